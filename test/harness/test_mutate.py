# SPDX-License-Identifier: BSD-2-Clause
"""
make mutate, kept alive: what it changes of a small source, its table of survivors, and ten mutants of mm/ against the
quick host programs.
"""
import re
import subprocess
import sys

from board import ROOT

sys.path.insert(0, str(ROOT / "test/mutate"))
import mutate  # noqa: E402
import mutants  # noqa: E402

SOURCE = """
#define LIMIT 7
/* if (a < b) */
static int first(int a, int b)
{
	char text[10];

	for (int i = 0; i < b; i++)
		count(a, b);
	port_log("%d", a == 2);
	a = b;
	return text[0] && a;
}
"""
# Of each part of mm/, its checker included, the programs that take least.
QUICK = ("test_check,test_check_faults,test_cma,test_contig,test_explain,test_fallback,test_gfp,test_memblock,"
         "test_memblock_alloc,test_memblock_array,test_memblock_limit,test_memblock_model,test_memblock_place,test_memblock_query,test_migrate,test_misuse,test_pcp,"
         "test_policy,test_policy_last,test_policy_reclaim,test_policy_types,test_slab,test_slab_debug,test_slab_tables")


def test_what_is_changed():
    changed = {(m.kind, m.before, m.after) for m in mutants.mutants_of("x.c", SOURCE)}
    assert changed == {
        ("comparison", "for (int i = 0; i < b; i++)", "for (int i = 0; i <= b; i++)"),
        ("constant", "for (int i = 0; i < b; i++)", "for (int i = 1; i < b; i++)"),
        ("statement", "count(a, b);", ";"),
        ("argument", "count(a, b);", "count(b, a);"),
        ("statement", "a = b;", ";"),
        ("constant", "return text[0] && a;", "return text[1] && a;"),
        ("comparison", "return text[0] && a;", "return text[0] || a;"),
    }


def test_an_edit_elsewhere_moves_no_mutant():
    before = [mutants.name_of(m) for m in mutants.choose(list(mutants.mutants_of("x.c", SOURCE)), "1")]
    after = [mutants.name_of(m) for m in mutants.choose(list(mutants.mutants_of("x.c", SOURCE.replace(
        "a = b;", "a = b;\n\tb = a;"))), "1")]
    assert [name for name in after if name in before] == before and len(after) == len(before) + 1


def test_every_survivor_has_a_reason():
    reasons = mutate.listed(ROOT / "test/mutate/survivors.txt")
    assert all(len(key) == 4 and reason for key, reason in reasons.items())


def test_ten_mutants():
    done = subprocess.run([sys.executable, "test/mutate/mutate.py", "--out", "build/mutate-ci", "--count", "10", "--least", "60",
                           "--jobs", "1", "--all-programs", "--programs", QUICK], cwd=ROOT, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    closing = re.search(r"mutate: (\d+) mutants, (\d+) killed", done.stdout)
    assert done.returncode == 0 and closing, done.stdout[-4000:]
    assert int(closing[1]) >= 10 and int(closing[2]) >= 6
