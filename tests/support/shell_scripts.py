"""Random shell scripts: valid ones from a grammar, and heaps of tokens that hardly ever are."""

from __future__ import annotations

from random import Random

PROGRAMS = (
    "git push",
    "git commit -m x",
    "rm x",
    "curl x",
    "ls",
    "npm publish",
    "cat",
    "grep a",
    "git status",
)
TOKENS = (
    "git push", "ls", "'", "'", '"', '"', "$(", ")", "`", "`", ";", "&&", "||", "|", "\n", "\n", " ", " ",
    " ", "\\", "\\\n", "{ ", "}", "(", "if ", "then ", "fi", "else ", "<<E\n", "E\n", "<<'E'\n", "<<-E\n\t",
    "#", "$X", "echo ", "sh -c ", "eval ", "$'", "rm x", "X=", "[[ ", " ]]", "((", "))", "for i in 1 2",
    "; do ", "done", "case a in ", "a) ", " ;; ", "esac", "! ", ">f ", "<f ", "2>&1 ", "&", "&>f ", "<<<",
    "<(", ">(", "${X:-", "}", "$((", "))", "1+1", "f() ", "function f ", "f", "xargs ", "env ", "nohup ",
    "exec ", "command ", "bash -c ", "cat ", "git ", "push", "=", "a", "*", "?", "~", "{a,b}", "[ ", "]",
    "\t", "$", "$@", '"$@"', "time ", "coproc ", "\'", '\\"', "%", "-n ", "--", "-c ", "trap '", " EXIT",
    "let ", "local ", "export ", "a=(", "x+=", "|&", "in", "'\''", '$"',
)  # fmt: skip


def heap(random: Random) -> str:
    """Tokens one after the other."""
    return "".join(random.choice(TOKENS) for _ in range(random.randint(2, 14)))


def quoted(text: str, random: Random) -> str:
    """The text as one word, quoted in one of several ways."""
    way = random.randrange(3)
    if way == 0:
        return "'" + text.replace("'", "'\\''") + "'"
    if way == 1:
        return '"' + "".join(f"\\{char}" if char in '\\"$`' else char for char in text) + '"'
    return "".join(char if char.isalnum() else "$'\\n'" if char == "\n" else f"\\{char}" for char in text)


def script(random: Random, depth: int = 0) -> str:
    """A valid script of bash, mostly of POSIX too."""
    if depth > 3 or random.random() < 0.2:
        return simple(random)
    inner = [script(random, depth + 1) for _ in range(2)]
    return random.choice(WAYS)(inner[0], inner[1], random)


def simple(random: Random) -> str:
    """One command, some of its letters quoted."""
    words = random.choice(PROGRAMS).split()
    return " ".join(_odd(word, random) for word in words)


def _odd(word: str, random: Random) -> str:
    way = random.randrange(6)
    if way == 0:
        return f"'{word}'"
    if way == 1:
        return f'"{word}"'
    if way == 2:
        return word[:1] + "''" + word[1:]
    if way == 3:
        return word[:1] + "\\\n" + word[1:]
    if way == 4 and word[:1].isalpha():
        return "\\" + word
    return word


def _document(command: str, body: str, after: str, random: Random) -> str:
    """A here-document that ends at a word of its own."""
    end = f"E{random.randrange(10**6)}"
    return f"{command.replace('E', end)}\n{body}\n{end}\n{after}"


WAYS = (
    lambda a, b, r: f"{a}; {b}",
    lambda a, b, r: f"{a} && {b}",
    lambda a, b, r: f"{a} || {b}",
    lambda a, b, r: f"{a} | {{ {b}\n}}",
    lambda a, b, r: f"{a}\n{b}",
    lambda a, b, r: f"( {a})",
    lambda a, b, r: f"{{ {a}\n}}",
    lambda a, b, r: f"echo $( {a}\n)",
    lambda a, b, r: f'echo "$( {a}\n)"',
    lambda a, b, r: f"x=$( {a}\n); {b}",
    lambda a, b, r: f"if {a}\nthen {b}\nfi",
    lambda a, b, r: f"if ! {a}\nthen ls; else {b}\nfi",
    lambda a, b, r: f"for i in 1; do {a}\ndone",
    lambda a, b, r: f"case x in (a|x) {a}\n;; *) {b}\n;; esac",
    lambda a, b, r: f"f() {{ {a}\n}}; f",
    lambda a, b, r: f"sh -c {quoted(a, r)}",
    lambda a, b, r: f"bash -c {quoted(a, r)}",
    lambda a, b, r: f"eval {quoted(a, r)}",
    lambda a, b, r: f"env A=b sh -c {quoted(a, r)}",
    lambda a, b, r: f"nohup nice timeout 5 sh -c {quoted(a, r)}",
    lambda a, b, r: f"echo 1 | xargs sh -c {quoted(a, r)}",
    lambda a, b, r: f"find . -maxdepth 0 -exec sh -c {quoted(a, r)} ';'",
    lambda a, b, r: _document("cat <<E", f"$( {a}\n)", b, r),
    lambda a, b, r: _document("cat <<'E'", f"$( {a}\n)", b, r),
    lambda a, b, r: _document("sh <<'E'", a, b, r),
    lambda a, b, r: f"{a} > out 2>&1",
    lambda a, b, r: f"trap {quoted(a, r)} EXIT; {b}",
    lambda a, b, r: f"${{X:-$( {a}\n)}}; {b}",
    lambda a, b, r: f"ls ${{X:-$( {a}\n)}}; {b}",
    lambda a, b, r: f"[ -n \"$( {a}\n)\" ] && {b}",
    lambda a, b, r: f"{a} & {b}",
    lambda a, b, r: f"! {a}",
    lambda a, b, r: f"{a} # {b}".replace("\\\n", "") if "\n" not in a + b else a,
)  # fmt: skip
