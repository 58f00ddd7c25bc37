--- Names and values that break what pastes them into SQL: the same sequence for the same seed.

local M = {}

-- What they are made of.
local PIECES = {
  "'", "''", '"', '""', "`", "\\", "\\'", '\\"', "[", "]", "--", "-- ", "/*", "*/", ";", "; DROP TABLE t", "#", "%", "%%", "%s", "%(x)s",
  "%1$s", ":", "::", ":x", ":x_1", "\\:", "?", "??", "$1", "$$", "$x$", "@", "@@", "&", "|", "=", "<", ">", "(", ")", ",", ".", "..", "*", "+",
  "{", "}", "~", "^", "!", " ", "  ", "\t", "\n", "\r", "\r\n", "\f", "\v", "\b", "\27", "\26", "\127", "\1", "\2", "\3", "\4", "\5", "\0",
  "ä", "É", "ß", "İ", "ﬁ", "日本", "🙂", "é", "ʼ", "＇", "＂", "‘", "’", "“", "”", "′", "﹐", "；", "－－", "\u{200b}", "\u{202e}", "\u{feff}",
  "\u{ffff}", "\u{10ffff}", "\xff", "\xfe", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80",
  "select", "SELECT", "table", "user", "order", "group", "null", "NULL", "true", "default", "end", "from", "where", "primary", "oid", "ctid",
  "rowid", "sqlite_", "pg_", "E'x'", "U&'x'", "x'00'", "N'x'", "nextval", "current_user", "a", "b", "Z", "0", "1", "9", "_", "__",
  "1_1", "anon_1", "param_1", "POSTCOMPILE_x", "__[POSTCOMPILE_x]", "~~REPL~~", "${x}", "#{x}", "{{x}}", "\\x00", "\\u0000", "\\n", "&#39;",
}

-- A generator of its own, so that nobody else's use of math.random changes the sequence (xorshift64*).
local function random_of(seed)
  local state = seed * 0x9E3779B97F4A7C15 + 1
  return function(n)
    state = state ~ (state >> 12)
    state = state ~ (state << 25)
    state = state ~ (state >> 27)
    return ((state * 0x2545F4914F6CDD1D) >> 33) % n + 1
  end
end

--- A function from nothing to the next string.
---@param seed integer
---@return fun(): string
function M.strings(seed)
  local random = random_of(seed)
  return function()
    local kind = random(20)
    if kind == 1 then return PIECES[random(#PIECES)] end
    if kind == 2 then return ("n"):rep(60 + random(8)) end                      -- about PostgreSQL's 63 bytes
    if kind == 3 then return ("é"):rep(29 + random(4)) .. PIECES[random(#PIECES)] end
    if kind == 4 then
      local bytes = {}
      for i = 1, random(12) do bytes[i] = string.char(random(256) - 1) end
      return table.concat(bytes)
    end
    local parts = {}
    for i = 1, random(6) do parts[i] = PIECES[random(#PIECES)] end
    return table.concat(parts)
  end
end

return M
