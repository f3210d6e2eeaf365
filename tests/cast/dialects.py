"""What the tests of the foreign formats share: examples of the documents, and a comparison of shapes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def example(name: str) -> Any:
    return json.loads((EXAMPLES / f"{name}.json").read_text())


def assert_same_shape(answer: Any, expected: Any, *, where: str = "$") -> None:
    """Every key of the document's example is there, in its order, with its JSON type, and no other key.

    A null in the example fits anything; an empty list fits any list.
    """
    if isinstance(expected, dict):
        assert isinstance(answer, dict), where
        assert list(answer) == list(expected), f"{where}: {list(answer)} != {list(expected)}"
        for key, value in expected.items():
            assert_same_shape(answer[key], value, where=f"{where}.{key}")
    elif isinstance(expected, list):
        assert isinstance(answer, list), where
        for each in answer if expected else []:
            assert_same_shape(each, expected[0], where=f"{where}[]")
    elif expected is not None and answer is not None:
        numbers = (int, float)
        if isinstance(expected, numbers) and not isinstance(expected, bool):
            assert isinstance(answer, numbers) and not isinstance(answer, bool), where
        else:
            assert type(answer) is type(expected), f"{where}: {answer!r}"
