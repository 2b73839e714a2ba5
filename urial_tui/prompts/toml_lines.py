"""On which line each key of a TOML document stands, for error messages.

`tomllib` gives lines for syntax errors only, so this scans a document that `tomllib` has already accepted; on anything
else the answer is merely unhelpful. Keys of inline tables are not told apart from the key that holds the table.
"""

Key = tuple[str | int, ...]


def key_lines(text: str) -> dict[Key, int]:
    """Map each key path, for example ("example", 0, "query"), to its line (from 1). Table headers are in it too."""
    return _Scanner(text).run()


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text.replace("\r\n", "\n")
        self.at = 0
        self.lines: dict[Key, int] = {}
        self.counts: dict[Key, int] = {}

    def run(self) -> dict[Key, int]:
        table: Key = ()
        while self._skip_blank():
            line = self.text.count("\n", 0, self.at) + 1
            if self.text.startswith("[[", self.at):
                name = self._name("]")
                self.counts[name] = self.counts.get(name, -1) + 1
                table = (*name, self.counts[name])
                self._to_line_end()
            elif self.text[self.at] == "[":
                table = self._name("]")
                self._to_line_end()
            else:
                name = self._name("=")
                self.lines.setdefault((*table, *name), line)
                self._skip_value()
                continue
            self.lines.setdefault(table, line)
        return self.lines

    def _skip_blank(self) -> bool:
        while self.at < len(self.text):
            if self.text[self.at] == "#":
                self._to_line_end()
            elif self.text[self.at].isspace():
                self.at += 1
            else:
                return True
        return False

    def _to_line_end(self) -> None:
        end = self.text.find("\n", self.at)
        self.at = len(self.text) if end < 0 else end

    def _name(self, end: str) -> Key:
        """Read a dotted key up to `end`; the opening brackets of a header are stepped over."""
        while self.text.startswith("[", self.at):
            self.at += 1
        parts: list[str | int] = []
        part = ""
        while self.at < len(self.text) and self.text[self.at] != end:
            char = self.text[self.at]
            if char in "\"'":
                start = self.at + 1
                self._skip_string()
                part += self.text[start : self.at - 1]
                continue
            if char == ".":
                parts.append(part.strip())
                part = ""
            else:
                part += char
            self.at += 1
        self.at += 1
        return (*parts, part.strip())

    def _skip_value(self) -> None:
        depth = 0
        while self.at < len(self.text):
            char = self.text[self.at]
            if char in "\"'":
                self._skip_string()
                continue
            if char == "#":
                self._to_line_end()
                continue
            if char == "\n" and depth <= 0:
                return
            depth += (char in "[{") - (char in "]}")
            self.at += 1

    def _skip_string(self) -> None:
        """Step over the string that begins here, single or triple quoted."""
        quote = self.text[self.at]
        end = quote * 3 if self.text.startswith(quote * 3, self.at) else quote
        self.at += len(end)
        while self.at < len(self.text):
            if self.text[self.at] == "\\" and quote == '"':
                self.at += 2
            elif self.text.startswith(end, self.at):
                self.at += len(end)
                while len(end) == 3 and self.text.startswith(quote, self.at):
                    self.at += 1  # up to two quotes may stand before the closing three
                return
            else:
                self.at += 1
