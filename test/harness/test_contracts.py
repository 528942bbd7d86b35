# SPDX-License-Identifier: BSD-2-Clause
"""
Each function of include/quarry/ has a contract in its header: a comment that names it with (), says what it does, and
says `Context:`, `Bound:` and, if it returns something, `Return:`. Functions may share one that names them all, and a header
whose functions are alike says the words once, at its top, for all that do not say otherwise.
"""
import os
import re
import shutil
import subprocess

import pytest

from board import ROOT

HEADERS = sorted((ROOT / "include/quarry").glob("*.h"))
# What a header says at its top of all its functions, each of which may say otherwise.
FOR_ALL = re.compile(r"(?s)Of all functions here, unless they say otherwise:(.*?)\*/")
TITLE = re.compile(r"(?m)^ \* (?=\w+\(\)[^\n]*(?:\n \* [^\n]*)*? - )")


def functions(text):
    """(name, returns something) of each function that is declared or defined at file scope."""
    code = re.sub(r"(?s)/\*.*?\*/", "", text)
    code = re.sub(r"(?m)^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", "", code)
    code = re.sub(r"\bMM_(?:BEGIN|END)_DECLS\b", "", code)
    while "{" in code:
        code, before = re.sub(r"\{[^{}]*\}", ";", code), code
        assert code != before, "braces"
    found = []
    for declaration in code.split(";"):
        words = re.sub(r"MM_LINK_NAME\(\w+\)|__attribute__\s*\(\(.*?\)\)\)?", "", " ".join(declaration.split())).strip()
        match = re.match(r"(?:static inline |_Noreturn |extern )*((?:const )?(?:unsigned |struct |enum )*\w+(?: const)?[ *]+?)\s*(\w+)\(.*\)$", words)
        if match and "typedef" not in words and match[2] != "__asm__":
            found.append((match[2], match[1].strip() != "void"))
    return found


def contracts(text):
    """{function: its contract}"""
    found = {}
    for comment in re.findall(r"(?s)/\*\n(.*?)\*/", text):
        for part in TITLE.split(comment):
            title = part.split(" - ")[0] if " - " in part else ""
            head = part.split("Context:")[0]
            if "Context:" in part:
                for name in re.findall(r"(\w+)\(\)", title + head):
                    found.setdefault(name, part)
    return found


def missing(text):
    known, lacking = contracts(text), []
    for_all = FOR_ALL.search(text.split("#ifndef")[0])
    for name, returns in functions(text):
        words = ["Context:", "Bound:"] + ["Return:"] * returns
        lacking += [f"{name}: {word}" for word in words if word not in known.get(name, "") + (for_all[1] if for_all else "")]
    return lacking


@pytest.mark.parametrize("header", HEADERS, ids=lambda path: path.name)
def test_every_function_has_a_contract(header):
    assert not missing(header.read_text())


def test_a_missing_contract_is_seen():
    text = (ROOT / "include/quarry/page_alloc.h").read_text()
    names = [name for name, _ in functions(text)]
    assert {"alloc_page", "free_pages_phys", "alloc_pages_bulk", "drain_some_pages"} <= set(names)
    for word in ("Context:", "Bound:", "Return:"):
        for at in re.finditer(word, text):
            assert missing(text[:at.start()] + text[at.end():]), f"{word} at {at.start()}"
    text = (ROOT / "include/quarry/memblock.h").read_text()
    assert len(functions(text)) > 30
    for word in ("Context:", "Bound:", "Return:"):
        assert missing(text.replace(word, "", 1)), word
    text = (ROOT / "include/quarry/page_alloc.h").read_text()
    assert missing(text.replace("#endif", "int one_more(void);\n#endif"))
    assert missing(text.replace("#endif", "static inline void one_more(void)\n{\n}\n#endif"))


def test_reference_is_made_without_a_warning(tmp_path):
    """`make docs`: doxygen reads every header and finds nothing to say; contracts are in what it makes."""
    def docs(header=None):
        sources = tmp_path / "include"
        shutil.copytree(ROOT / "include", sources, dirs_exist_ok=True)
        shutil.copytree(ROOT / "mk", tmp_path / "mk", dirs_exist_ok=True)
        if header:
            (sources / "quarry/broken.h").write_text(header)
        (tmp_path / "out").mkdir(exist_ok=True)
        return subprocess.run(["doxygen", ROOT / "docs/Doxyfile"], cwd=tmp_path, text=True, capture_output=True,
                              check=False, env={**os.environ, "DOCS_OUT": "out"})

    done = docs()
    assert (done.returncode, done.stderr) == (0, "")
    page = (tmp_path / "out/mm__init_8h.html").read_text()
    assert "Context: thread; pinned." in page and "mm_cpu_offline" in page
    assert docs("/** @param nothing there is none */\nint broken(void);\n").returncode != 0
