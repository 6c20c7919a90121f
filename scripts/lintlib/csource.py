"""Rules about C text: banned functions, where SQL may stand, sizes."""
import pathlib
import re

FUNCTION_LINES_MAX = 80
FILE_LINES_MAX = 600

BANNED = {
    "strcpy": "snprintf or memcpy", "strcat": "buf_*", "strncpy": "memcpy", "strncat": "buf_*",
    "sprintf": "snprintf", "vsprintf": "vsnprintf", "gets": "fgets", "strtok": "strchr or strspn",
    "gmtime": "gmtime_r", "localtime": "localtime_r", "asctime": "clock_*", "ctime": "clock_*",
    "atoi": "strtoll with all its checks", "atol": "strtoll with all its checks", "atof": "strtod",
    "alloca": "the arena", "system": "posix_spawn", "popen": "posix_spawn", "rand": "crypto_random",
    "srand": "crypto_random", "random": "crypto_random", "tmpnam": "mkstemp", "mktemp": "mkstemp",
}

# Comments and literals, so that words inside them do not count as code.
TOKEN = re.compile(r"""(?P<comment>/\*.*?\*/|//[^\n]*)|(?P<string>"(?:\\.|[^"\\\n])*")|(?P<char>'(?:\\.|[^'\\\n])*')""", re.S)

SQL = re.compile(
    r"^\s*(SELECT\s+[\w*(]|INSERT\s+INTO\b|UPDATE\s+\S+\s+SET\b|DELETE\s+FROM\b|WITH\s+\w+\s.*\bAS\b|MERGE\s+INTO\b|TRUNCATE\b"
    r"|(CREATE|ALTER|DROP)\s+(TABLE|ROLE|DATABASE|SCHEMA|INDEX|TYPE|FUNCTION)\b|GRANT\s|REVOKE\s|LOCK\s+TABLE\b)")
PRINTF_CALL = re.compile(r"\b\w*printf\s*\(")


def strip(text: str) -> str:
    """The text with comments and literals blanked, line numbers kept."""
    return TOKEN.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)


def literals(text: str) -> list[tuple[int, str]]:
    """Offset and contents of each string literal, adjacent ones joined."""
    joined, end = [], -1
    for found in TOKEN.finditer(text):
        if found["comment"]:
            continue
        if not found["string"]:
            end = -1
            continue
        if joined and end >= 0 and not text[end : found.start()].strip():
            joined[-1] = (joined[-1][0], joined[-1][1] + found["string"][1:-1])
        else:
            joined.append((found.start(), found["string"][1:-1]))
        end = found.end()
    return joined


def line_of(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def banned_functions(root: pathlib.Path) -> list[str]:
    """In what we ship; a test may be careless with bytes of its own."""
    pattern = re.compile(rf"(?<![\w>.])({'|'.join(BANNED)})\s*\(")
    complaints = []
    for path in program_files(root):
        code = strip(path.read_text())
        for found in pattern.finditer(code):
            complaints.append(f"{path.relative_to(root)}:{line_of(code, found.start())}: {found[1]}() is banned: {BANNED[found[1]]}")
    return complaints


# Two ways to write the same thing are one too many.
DIALECT = {
    re.compile(r"(?<![\w>.])e [!=]= NULL"): "an error is tested as `e` and `!e`",
    re.compile(r"\bstruct err \*err = "): "an error at hand is called `e`",
    re.compile(r"\bif \(!e\) \{\s*e = [^;{}?]*;\s*\}(?! else)"): "a chain is written `e = e ? e : next();`",
    re.compile(r"\bsizeof (\w+) / sizeof \1\[0\]"): "the size of an array is ARRAY_COUNT(array)",
}


def dialect(root: pathlib.Path) -> list[str]:
    complaints = []
    for path in program_files(root):
        code = strip(path.read_text())
        for pattern, rule in DIALECT.items():
            complaints += [f"{path.relative_to(root)}:{line_of(code, found.start())}: {rule}"
                           for found in pattern.finditer(code)]
    return complaints


def program_files(root: pathlib.Path) -> list[pathlib.Path]:
    return sorted(path for folder in ("common", "src", "cgi-bin") for path in (root / folder).rglob("*.[ch]"))


def sql_in_c(root: pathlib.Path) -> list[str]:
    """SQL stands in files of SQL, which scripts/embed-sql makes into C."""
    complaints = []
    for path in program_files(root):
        text = path.read_text()
        complaints += [f"{path.relative_to(root)}:{line_of(text, offset)}: SQL in a C string"
                       for offset, literal in literals(text) if SQL.match(literal)]
    return complaints


def columns(root: pathlib.Path) -> list[str]:
    """The columns that C reads by name, against the words of the SQL files beside it."""
    read = re.compile(r'\bdb_(?:str|int|bool|time|null|bytes)\((?:\w+(?:->\w+)?, ){2,3}"(\w+)"')
    complaints = []
    for path in program_files(root):
        text = path.read_text()
        known = None
        for found in read.finditer(text):
            known = known if known is not None else sql_words(path.parent / "sql")
            if found[1] not in known:
                complaints.append(f"{path.relative_to(root)}:{line_of(text, found.start())}: no statement of "
                                  f"{path.parent.relative_to(root)}/sql has a column '{found[1]}'")
    return complaints


def sql_words(folder: pathlib.Path) -> set[str]:
    return set(re.findall(r"\w+", " ".join(path.read_text() for path in folder.glob("*.sql"))))


def printf_into_sql(root: pathlib.Path) -> list[str]:
    complaints = []
    for path in program_files(root):
        text = path.read_text()
        code = strip(text)
        for offset, literal in literals(text):
            statement = code.rfind(";", 0, offset) + 1
            if SQL.match(literal) and PRINTF_CALL.search(code[statement:offset]):
                complaints.append(f"{path.relative_to(root)}:{line_of(text, offset)}: SQL made with printf")
    return complaints


def sizes(root: pathlib.Path, paths: list[pathlib.Path]) -> list[str]:
    """Functions begin with a brace of their own in the first column and end with one."""
    complaints = []
    for path in paths:
        lines, name = path.read_text().splitlines(), path.relative_to(root)
        if len(lines) > FILE_LINES_MAX:
            complaints.append(f"{name}: {len(lines)} lines, at most {FILE_LINES_MAX}")
        began = None
        for number, line in enumerate(lines, 1):
            if line == "{":
                began = number
            elif line == "}" and began is not None:
                if number - began + 1 > FUNCTION_LINES_MAX:
                    complaints.append(f"{name}:{began}: a function of {number - began + 1} lines, at most "
                                      f"{FUNCTION_LINES_MAX}")
                began = None
    return complaints
