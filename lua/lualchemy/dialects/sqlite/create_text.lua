--- Reads the text of CREATE TABLE and CREATE INDEX as SQLite keeps it in sqlite_master.
-- Its pragmas lose the names of constraints, CHECK conditions, generated columns' expressions and ON CONFLICT
-- clauses; the text has them. The text is the user's own, so comments, any quoting and any white space occur.

local M = {}

---@class lualchemy.sqlite.Token
---@field kind "word"|"name"|"string"|"symbol"
---@field text string      of a name: without its quotes
---@field upper string     of a word: in upper case, else ""
---@field first integer    where it begins in the source
---@field last integer

local CLOSING = { ['"'] = '"', ["`"] = "`", ["["] = "]", ["'"] = "'" }

-- The end of a quoted token that begins at `at`; a doubled quote stands for itself.
local function quoted_end(source, at)
  local closing = CLOSING[source:sub(at, at)]
  local from = at + 1
  while true do
    local found = source:find(closing, from, true)
    if not found then return #source end
    if closing == "]" or source:sub(found + 1, found + 1) ~= closing then return found end
    from = found + 2
  end
end

local function quoted(source, at)
  local last = quoted_end(source, at)
  local quote = source:sub(at, at)
  local closing = CLOSING[quote]
  local inner = source:sub(at + 1, last - 1)
  if closing ~= "]" then inner = inner:gsub(closing .. closing, closing) end
  return { kind = quote == "'" and "string" or "name", text = inner, upper = "", first = at, last = last }
end

-- What follows white space and comments.
local function skip(source, at)
  while true do
    local next_at = source:match("^%s+()", at) or source:match("^%-%-[^\n]*()", at) or source:match("^/%*.-%*/()", at)
    if not next_at then return at end
    at = next_at
  end
end

local function tokens_of(source)
  local tokens, at = {}, skip(source, 1)
  while at <= #source do
    local c = source:sub(at, at)
    local word = source:match("^[%w_$\128-\255]+", at)
    local token
    if CLOSING[c] then
      token = quoted(source, at)
    elseif word then
      token = { kind = "word", text = word, upper = word:upper(), first = at, last = at + #word - 1 }
    else
      token = { kind = "symbol", text = c, upper = "", first = at, last = at }
    end
    tokens[#tokens + 1] = token
    at = skip(source, token.last + 1)
  end
  return tokens
end

-- Reading ---------------------------------------------------------------------------------------------------

local Reader = {}
Reader.__index = Reader

local function reader(source, tokens, at, last)
  return setmetatable({ source = source, tokens = tokens, at = at, last = last }, Reader)
end

function Reader:peek(ahead)
  local i = self.at + (ahead or 0)
  return i <= self.last and self.tokens[i] or nil
end

function Reader:take()
  local token = self:peek()
  self.at = self.at + 1
  return token
end

--- Takes the words if they come next.
function Reader:accept(...)
  local words = { ... }
  for i, word in ipairs(words) do
    local token = self:peek(i - 1)
    if not token or (token.upper ~= word and not (token.kind == "symbol" and token.text == word)) then return false end
  end
  self.at = self.at + #words
  return true
end

--- A name, quoted or not. SQLite takes a string in its place.
function Reader:name()
  local token = self:take()
  return token and token.text
end

--- The inside of parentheses that come next, as a reader; nil when there are none.
function Reader:parenthesized()
  local open = self:peek()
  if not open or open.text ~= "(" or open.kind ~= "symbol" then return nil end
  local depth, i = 0, self.at
  repeat
    local token = self.tokens[i]
    if not token or i > self.last then return nil end
    if token.kind == "symbol" then
      depth = depth + (token.text == "(" and 1 or token.text == ")" and -1 or 0)
    end
    i = i + 1
  until depth == 0
  local inner = reader(self.source, self.tokens, self.at + 1, i - 2)
  self.at = i
  return inner
end

--- The source of all that is left.
function Reader:text()
  if self.at > self.last then return "" end
  return self.source:sub(self.tokens[self.at].first, self.tokens[self.last].last)
end

--- Readers of what commas divide.
function Reader:split()
  local parts, depth, from = {}, 0, self.at
  for i = self.at, self.last do
    local token = self.tokens[i]
    if token.kind == "symbol" then
      if token.text == "(" then depth = depth + 1 end
      if token.text == ")" then depth = depth - 1 end
      if token.text == "," and depth == 0 then
        parts[#parts + 1] = reader(self.source, self.tokens, from, i - 1)
        from = i + 1
      end
    end
  end
  if from <= self.last then parts[#parts + 1] = reader(self.source, self.tokens, from, self.last) end
  return parts
end

local function names_in(inner)
  local names = {}
  for i, part in ipairs(inner and inner:split() or {}) do names[i] = part:name() end
  return names
end

-- Constraints -----------------------------------------------------------------------------------------------

local function on_conflict(r)
  if r:accept("ON", "CONFLICT") then
    local token = r:take()
    return token and token.upper
  end
end

-- What an ON DELETE or ON UPDATE does; NO ACTION is the default and says nothing.
local function action(r)
  if r:accept("SET", "NULL") then return "SET NULL" end
  if r:accept("SET", "DEFAULT") then return "SET DEFAULT" end
  if r:accept("NO", "ACTION") then return nil end
  return r:take().upper
end

local function reference_options(r)
  local options = {}
  while true do
    if r:accept("ON", "DELETE") then
      options.ondelete = action(r)
    elseif r:accept("ON", "UPDATE") then
      options.onupdate = action(r)
    elseif r:accept("MATCH") then
      options.match = r:take().upper
    elseif r:accept("NOT", "DEFERRABLE") then
      options.deferrable = false
    elseif r:accept("DEFERRABLE") then
      options.deferrable = true
    elseif r:accept("INITIALLY") then
      options.initially = r:take().upper
    else
      return options
    end
  end
end

local function references(r, name, columns)
  local table_ = r:name()
  local inner = r:parenthesized()
  return { name = name, columns = columns, table = table_, referred = inner and names_in(inner) or nil, options = reference_options(r) }
end

-- One constraint of the table; `name` is what CONSTRAINT gave it.
local function table_constraint(r, out)
  local name = r:accept("CONSTRAINT") and r:name() or nil
  if r:accept("PRIMARY", "KEY") then
    out.primary_key = { name = name, columns = names_in(r:parenthesized()), on_conflict = on_conflict(r) }
  elseif r:accept("UNIQUE") then
    table.insert(out.uniques, { name = name, columns = names_in(r:parenthesized()), on_conflict = on_conflict(r) })
  elseif r:accept("CHECK") then
    local inner = r:parenthesized()
    table.insert(out.checks, { name = name, sqltext = inner and inner:text() or "", on_conflict = on_conflict(r) })
  elseif r:accept("FOREIGN", "KEY") then
    local columns = names_in(r:parenthesized())
    r:accept("REFERENCES")
    table.insert(out.foreign_keys, references(r, name, columns))
  end
end

-- Columns ---------------------------------------------------------------------------------------------------

local function skip_default(r)
  if r:parenthesized() then return end
  if not r:accept("+") then r:accept("-") end
  r:take()
end

local column_clauses = {
  PRIMARY = function(r, out, column, name)
    r:accept("KEY")
    if not r:accept("ASC") then column.descending = r:accept("DESC") end
    out.primary_key = { name = name, columns = { column.name }, on_conflict = on_conflict(r) }
    column.on_conflict_primary_key = out.primary_key.on_conflict
    out.autoincrement = r:accept("AUTOINCREMENT") or out.autoincrement
  end,
  NOT = function(r, _, column)
    r:accept("NULL")
    column.on_conflict_not_null = on_conflict(r)
  end,
  NULL = function() end,
  UNIQUE = function(r, out, column, name)
    table.insert(out.uniques, { name = name, columns = { column.name }, on_conflict = on_conflict(r) })
  end,
  CHECK = function(r, out, column, name)
    local inner = r:parenthesized()
    table.insert(out.checks, { name = name, sqltext = inner and inner:text() or "", column = column.name })
  end,
  DEFAULT = function(r) skip_default(r) end,
  COLLATE = function(r, _, column) column.collation = r:name() end,
  REFERENCES = function(r, out, column, name) table.insert(out.foreign_keys, references(r, name, { column.name })) end,
  GENERATED = function(r) r:accept("ALWAYS") end,
  AS = function(r, _, column)
    local inner = r:parenthesized()
    column.computed = inner and inner:text() or ""
    if not r:accept("STORED") then r:accept("VIRTUAL") end
  end,
}

local function column(r, out)
  local made = { name = r:name() }
  out.columns[made.name] = made
  local name
  while r:peek() do
    if r:accept("CONSTRAINT") then
      name = r:name()
    else
      local token = r:peek()
      local clause = column_clauses[token.upper]
      if clause then
        r:take()
        clause(r, out, made, name)
        name = nil
      elseif not r:parenthesized() then
        r:take()    -- the type's words
      end
    end
  end
end

local TABLE_WORDS = { CONSTRAINT = true, PRIMARY = true, UNIQUE = true, CHECK = true, FOREIGN = true }

-- A quoted "check" is a column's name.
local function definition(r, out)
  local token = r:peek()
  if token and TABLE_WORDS[token.upper] then
    while r:peek() do
      local before = r.at
      table_constraint(r, out)
      if r.at == before then r:take() end
    end
  else
    column(r, out)
  end
end

--- What CREATE TABLE says beyond the pragmas; nil when the text is none that can be read.
---@param source string?
---@return table?
function M.table(source)
  if not source then return nil end
  local tokens = tokens_of(source)
  local r = reader(source, tokens, 1, #tokens)
  if not r:accept("CREATE") then return nil end
  while r:peek() and not (r:peek().kind == "symbol" and r:peek().text == "(") do r:take() end
  local body = r:parenthesized()
  if not body then return nil end
  local out = { columns = {}, uniques = {}, checks = {}, foreign_keys = {} }
  for _, part in ipairs(body:split()) do definition(part, out) end
  while r:peek() do
    if r:accept("STRICT") then
      out.strict = true
    elseif r:accept("WITHOUT", "ROWID") then
      out.without_rowid = true
    else
      r:take()
    end
  end
  return out
end

--- The elements and the WHERE condition of CREATE INDEX, as text.
---@param source string?
---@return string[]? elements
---@return string? where
function M.index(source)
  if not source then return nil end
  local tokens = tokens_of(source)
  local r = reader(source, tokens, 1, #tokens)
  while r:peek() and not r:accept("ON") do r:take() end
  r:name()
  local body = r:parenthesized()
  if not body then return nil end
  local elements = {}
  for i, part in ipairs(body:split()) do elements[i] = part:text() end
  return elements, r:accept("WHERE") and r:text() or nil
end

return M
