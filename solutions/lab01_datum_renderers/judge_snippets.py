"""Snippets of lab 1's hidden cases: a tokenizer cannot be sent, so it is made beside the code.

Each sets `result` to data, never to a verdict. Names that no line here defines are inputs of the
case. `judge.py` reads this file by its path.
"""

TOKENIZER = """
from shared.models import base
from shared.models.base.tokenizer import load
from shared.models.foreign import foreign_tokenizer
tok = foreign_tokenizer() if foreign else load(base.folder())
"""
CHATML = f"{TOKENIZER}result = render_chatml(messages, tok, train_on)"
ROLE_COLON = f"{TOKENIZER}result = render_role_colon(messages, tok, train_on)"
LLAMA3 = f"{TOKENIZER}result = render_llama3(messages, tok, train_on)"
BY_DEFAULT = f"{TOKENIZER}result = [render_role_colon(messages, tok), render_llama3(messages, tok)]"
PROMPT = f"{TOKENIZER}result = generation_prompt(messages, tok)"
# `parts` are texts; those that spell a special token are one, unless they are marked as typed.
ENCODED = """
tokens = []
for typed, text in parts:
    tokens += tok.encode(text, add_special_tokens=False, split_special_tokens=typed)
"""
PARSED = f"{TOKENIZER}{ENCODED}result = parse_response(tokens, tok)"
DESCRIBED = f"""{TOKENIZER}{ENCODED}
weights = [cycle[place % len(cycle)] for place in range(len(tokens))]
result = describe_weights(tokens, weights, tok)
"""
DESCRIBED_UNEVEN = f"""{TOKENIZER}{ENCODED}
result = describe_weights(tokens, [1.0] * (len(tokens) + more), tok)
"""
