"""Wrong answers of every kind, none of them a piece of anything hidden.

The spy looks for marks in whatever its process holds and tells them to its student.
"""

from __future__ import annotations

SPY = """\
def {name}(*args, **kwargs):
    import gc, inspect, sys
    found, frame = [], sys._getframe()
    while frame is not None:
        found += [str(getattr(v, "code", v)) for v in list(frame.f_locals.values())]
        found += [frame.f_code.co_filename, *map(str, frame.f_code.co_consts)]
        frame = frame.f_back
    found += [str(o) for o in gc.get_objects() if type(o) in (dict, list) and len(o) < 5]
    wanted = [text[max(0, text.find("zqmark") - 40):][:120] for text in found if "zqmark" in text]
    wanted = wanted or [f"nothing in {'many' if len(found) > 50 else 'few'} texts"]
    raise ValueError("; ".join(dict.fromkeys(wanted)))
"""
KINDS = {
    "wrong value": "def {name}(*args, **kwargs):\n    return 12345\n",
    "wrong type": "def {name}(*args, **kwargs):\n    return ['x', None, b'y']\n",
    "nothing": "def {name}(*args, **kwargs):\n    pass\n",
    "exception": "def {name}(*args, **kwargs):\n    return 1 // 0\n",
    "deep exception": "def {name}(*args, **kwargs):\n    return {name}(*args, **kwargs)\n",
    "keyword error": "def {name}():\n    return 0\n",
    "timeout": "def {name}(*args, **kwargs):\n    while True: pass\n",
    "syntax error": "def {name}(:\n    return\n",
    "prints": "def {name}(*args, **kwargs):\n    print('seen', args, kwargs)\n    return args\n",
    "exits": "def {name}(*args, **kwargs):\n    import os; os._exit(0)\n",
    "not defined": "other_{name} = 1\n",
    "error in its cell": "raise RuntimeError('cell')\n",
    "spy": SPY,
}


def answers_for(names: list[str]) -> list[dict[str, str]]:
    """Hand-ins that have each kind once, one kind an exercise; the last leaves some out."""
    kinds = list(KINDS.values())
    return [
        {
            name: kind.replace("{name}", name)
            for name, kind in zip(names, kinds[start:], strict=False)
        }
        for start in range(0, len(kinds), len(names))
    ]
