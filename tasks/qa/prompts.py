"""Questions as a model is asked them, in English or Chinese; also what a baseline needs to read them back."""

from __future__ import annotations

from collections.abc import Iterable

from mdevalbench.tasks.qa.loading import texts
from mdevalbench.tasks.qa.schema import Item, Kind, Language, Option

_ORDERS: dict[Language, dict[Kind, str]] = {
    "en": {
        "single": "Exactly one option is right. Reason as long as you like, and end with one line of this form:\n"
        "ANSWER: <letter>",
        "multiple": "Two or more options are right. Reason as long as you like, and end with one line that gives all "
        "of them, in this form:\nANSWER: <letters, such as AC>",
        "fill": "Reason as long as you like, and end with one line that gives what belongs into the blank and nothing "
        "else (a number with its unit), in this form:\nANSWER: <what belongs into the blank>",
        "open": "Answer in a few sentences.",
    },
    "zh": {
        "single": "只有一个选项正确。可以先推理，最后一行请按如下格式作答：\n答案：<字母>",
        "multiple": "有两个或更多选项正确。可以先推理，最后一行请按如下格式给出全部正确选项：\n答案：<字母，例如 AC>",
        "fill": "可以先推理，最后一行请只给出空白处应填的内容（数值请带单位），格式如下：\n答案：<应填的内容>",
        "open": "请用几句话回答。",
    },
}


def prompt(item: Item, language: Language, options: Iterable[Option] = ()) -> str:
    """All that a model is told. `options` are those of the item in the order of their letters."""
    listed = [f"{letter}. {text}" for letter, text in texts(options, language)]
    parts = [item.question[language].strip(), *(["\n".join(listed)] if listed else []), _ORDERS[language][item.kind]]
    return "\n\n".join(parts) + "\n"


def right_answer(item: Item, language: Language, letters: str) -> str:
    """A completion that is right. `letters` are those of the right options."""
    mark = "ANSWER: " if language == "en" else "答案："
    if item.options:
        return mark + letters
    if item.answer is not None:
        number = item.answer.number
        return mark + (item.answer.texts[0] if number is None else f"{number:g} {item.answer.unit}".strip())
    return item.example[language] if item.example else ""
