"""Snippets of lab 1's hidden cases: a tokenizer cannot be sent, so it is made beside the code.

Each sets `result` to data, never to a verdict. Names that no line here defines are inputs of the
case. `judge.py` reads this file by its path.
"""

TOKENIZER = """
from shared.models.tokenizers import foreign_tokenizer, tiny_tokenizer
tok = foreign_tokenizer() if foreign else tiny_tokenizer()
"""
CHATML = f"{TOKENIZER}result = render_chatml(messages, tok, train_on)"
ROLE_COLON = f"{TOKENIZER}result = render_role_colon(messages, tok, train_on)"
LLAMA3 = f"{TOKENIZER}result = render_llama3(messages, tok, train_on)"
BY_DEFAULT = f"{TOKENIZER}result = (render_role_colon, render_llama3)[which](messages, tok)"
PROMPT = f"{TOKENIZER}result = generation_prompt(messages, tok)"
# `parts` are texts; those that spell a special token are one, unless they are marked as typed.
ENCODED = """
tokens = []
for typed, text in parts:
    tokens += tok.encode(text, add_special_tokens=False, split_special_tokens=typed)
"""
PARSED = f"{TOKENIZER}{ENCODED}result = parse_response(tokens, tok)"
# What a browser makes of a table: for each row with <td> cells its class and its cells. It is read
# here, so that two tables of another layout are the same answer to whoever compares answers.
ROWS = """
from html.parser import HTMLParser
class Reader(HTMLParser):
    kind, cells, text = None, (), None
    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.kind, self.cells = dict(attrs).get("class"), ()
        elif tag == "td":
            self.text = ""
    def handle_data(self, data):
        if self.text is not None:
            self.text += data
    def handle_endtag(self, tag):
        if tag == "td" and self.text is not None:
            self.cells, self.text = (*self.cells, self.text.strip()), None
        elif tag == "tr" and self.cells:
            rows.append([self.kind, *self.cells])
            self.cells = ()
rows, reader = [], Reader()
if type(page) is str:
    reader.feed(page)
    reader.close()
    page = {"a table": "<table" in page and "</table>" in page, "rows": rows}
result = page
"""
DESCRIBED = f"""{TOKENIZER}{ENCODED}
weights = [cycle[place % len(cycle)] for place in range(len(tokens))]
page = describe_weights(tokens, weights, tok)
{ROWS}"""
DESCRIBED_UNEVEN = f"""{TOKENIZER}{ENCODED}
page = describe_weights(tokens, [1.0] * (len(tokens) + more), tok)
{ROWS}"""
