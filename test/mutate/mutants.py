# SPDX-License-Identifier: BSD-2-Clause
"""
Single mutants of C sources: a comparison that is another one, a constant that is one more, a statement that is dropped, two
arguments of a call that change places. Only code in function bodies is changed; messages, assertions and what the
preprocessor reads are left alone.
"""
import hashlib
import re
from collections import namedtuple

TOKEN = re.compile(r"""
    (?P<comment>/\*.*?\*/|//[^\n]*)
  | (?P<cpp>^[ \t]*\#(?:[^\n\\]|\\.)*)
  | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
  | (?P<number>0[xX][0-9a-fA-F]+[uUlL]*|\d+[uUlL]*)
  | (?P<name>[A-Za-z_]\w*)
  | (?P<op><<=|>>=|\.\.\.|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|[-+*/%&|^~!<>=?:;,.(){}\[\]])
""", re.X | re.S | re.M)

Token = namedtuple("Token", "kind text start end")
Mutant = namedtuple("Mutant", "file function kind start end text before after occurrence")

KINDS = ("comparison", "constant", "statement", "argument")
OTHER = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "&&": "||", "||": "&&"}
ARITHMETIC = {"+": "-", "-": "+", "<<": ">>", ">>": "<<", "&": "|", "|": "&"}  # for proofs, which look at less code
# What is said, and what is only asserted, is no behaviour.
PASSED_OVER = re.compile(r"^(port_log|port_panic|add|emit|expect|snprintf|vsnprintf|static_assert|assert|__asm__|"
                         r"FAULT_POINT|FAULT_CERTAIN|report_\w+|(VM_)?(BUG|WARN)_ON\w*|VM_\w+|__builtin_\w+|_Pragma|"
                         r"UNROLL|__attribute__|sizeof|offsetof|va_start|va_end)$")
CONTROL = {"if", "for", "while", "switch", "return", "do", "else"}
TYPES = {"const", "static", "unsigned", "signed", "int", "long", "short", "char", "bool", "struct", "union", "enum", "void",
         "extern", "typedef", "register", "volatile", "_Atomic", "goto", "case", "default"}


def tokens_of(text):
    return [Token(match.lastgroup, match.group(), match.start(), match.end()) for match in TOKEN.finditer(text)
            if match.lastgroup not in ("comment", "cpp")]


def closing(tokens, i):
    """The index of the bracket that closes the one at i."""
    depth = 0
    for j in range(i, len(tokens)):
        if tokens[j].text in ("(", "{", "["):
            depth += 1
        elif tokens[j].text in (")", "}", "]"):
            depth -= 1
            if not depth:
                return j
    return len(tokens) - 1


def bodies(tokens):
    """(name, first, last) of each function's body, by the indices of its braces."""
    i = 0
    while i < len(tokens):
        if tokens[i].text == "{":
            end = closing(tokens, i)
            if i and tokens[i - 1].text == ")":
                depth, j = 0, i - 1
                while True:
                    depth += {")": 1, "(": -1}.get(tokens[j].text, 0)
                    if not depth:
                        break
                    j -= 1
                if tokens[j - 1].kind == "name":
                    yield tokens[j - 1].text, i, end
            i = end
        elif tokens[i].text in ("(", "["):
            i = closing(tokens, i)
        i += 1


def passed_over(tokens, first, last):
    """Indices inside calls of what is passed over."""
    inside, i = set(), first
    while i < last:
        if tokens[i].kind == "name" and PASSED_OVER.match(tokens[i].text) and tokens[i + 1].text == "(":
            end = closing(tokens, i + 1)
            inside.update(range(i, end + 1))
            i = end
        i += 1
    return inside


def arguments(tokens, i):
    """(start, end) in the text of each argument of the call whose parenthesis is at i."""
    end, depth, start, found = closing(tokens, i), 0, i + 1, []
    for j in range(i + 1, end + 1):
        text = tokens[j].text
        if j == end or (text == "," and not depth):
            if j > start:
                found.append((tokens[start].start, tokens[j - 1].end))
            start = j + 1
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(text, 0)
    return found


def statement(tokens, i):
    """The index of the semicolon of an expression statement, `break`, `continue` or `return` at i; None if it is none."""
    first = tokens[i]
    if first.text in ("break", "continue", "return"):
        return i + 1 if tokens[i + 1].text == ";" else None
    if first.kind == "name":
        following = tokens[i + 1]
        if first.text in CONTROL | TYPES or following.kind == "name" or following.text == ":" or first.text.endswith("_t"):
            return None
        if following.text == "*" and tokens[i + 2].kind == "name" and tokens[i + 3].text in ("=", ";", ",", "["):
            return None  # a declaration
    elif first.text not in ("*", "(", "++", "--"):
        return None
    while tokens[i].text != ";":
        if tokens[i].text in ("{", "}"):
            return None
        i = closing(tokens, i) + 1 if tokens[i].text in ("(", "[") else i + 1
    return i


def begins_statement(tokens, i):
    before = tokens[i - 1].text
    if before in (";", "{", "}", "else", "do"):
        return True
    if before != ")":
        return False
    depth, j = 0, i - 1
    while True:
        depth += {")": 1, "(": -1}.get(tokens[j].text, 0)
        if not depth:
            return tokens[j - 1].text in ("if", "for", "while", "switch") or tokens[j - 1].text.startswith("for_each_")
        j -= 1


def is_dimension(tokens, i):
    """`char line[192]`: room, not behaviour."""
    return tokens[i - 1].text == "[" and tokens[i + 1].text == "]" and tokens[i - 3].kind == "name" \
        and tokens[i - 3].text not in CONTROL | {"case"}


def incremented(number):
    digits = re.match(r"0[xX][0-9a-fA-F]+|\d+", number).group()
    value = int(digits, 0 if digits.lower().startswith("0x") else 10) + 1
    return (hex(value) if digits.lower().startswith("0x") else str(value)) + number[len(digits):]


def edits(text, more):
    """(function, kind, start, end, new text) of everything that can be changed."""
    tokens = tokens_of(text)
    for function, first, last in bodies(tokens):
        skip, depth = passed_over(tokens, first, last), 0  # depth: in parentheses, those of a `for` above all
        for i in range(first + 1, last):
            token = tokens[i]
            depth += {"(": 1, ")": -1}.get(token.text, 0)
            if i in skip:
                continue
            if token.text in OTHER:
                yield function, "comparison", token.start, token.end, OTHER[token.text]
            elif token.text in more:
                yield function, "operator", token.start, token.end, more[token.text]
            elif token.kind == "number" and not is_dimension(tokens, i):
                yield function, "constant", token.start, token.end, incremented(token.text)
            if token.kind == "name" and tokens[i + 1].text == "(" and token.text not in CONTROL \
                    and not token.text.startswith("for_each_"):
                found = arguments(tokens, i + 1)
                for (a, b), (c, d) in zip(found, found[1:]):
                    if text[a:b] != text[c:d]:
                        yield function, "argument", a, d, text[c:d] + text[b:c] + text[a:b]
            if not depth and begins_statement(tokens, i):
                end = statement(tokens, i)
                if end is not None and end <= last:
                    yield function, "statement", token.start, tokens[end].end, ";" + "\n" * text[token.start:tokens[end].end].count("\n")


def one_line(text):
    return re.sub(r"\s+", " ", text).strip()


def mutants_of(file, text, more=()):
    """All mutants of a file, each with the lines it changes, before and after, as one line; `more`: operators and their opposites."""
    seen = {}
    for function, kind, start, end, new in edits(text, more):
        head, tail = text.rfind("\n", 0, start) + 1, text.find("\n", end)
        before = one_line(text[head:tail])
        after = one_line(text[head:start] + new + text[end:tail])
        key = (function, kind, before, after)
        seen[key] = seen.get(key, 0) + 1
        yield Mutant(file, function, kind, start, end, new, before, after, seen[key])


def name_of(mutant):
    return "|".join((mutant.file, mutant.function, mutant.kind, mutant.before, mutant.after, str(mutant.occurrence)))


def choose(mutants, seed):
    """In an order that depends on each mutant and the seed alone: what else changes in the sources moves none."""
    return sorted(mutants, key=lambda mutant: hashlib.sha256(f"{seed}|{name_of(mutant)}".encode()).digest())
