--- The SQL texts of the unit of work and of loading by key, written once per mapper, dialect and shape.
-- They are so regular that they are put together from names the dialect quotes; values are always parameters.

local Preparer = require("lualchemy.schema.preparer")
local class = require("lualchemy.util.class")
local clause = require("lualchemy.orm.clause")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local text_around = require("lualchemy.sql.type_expression").text_around
local types = require("lualchemy.types")

---@class lualchemy.orm.Statements
---@field mapper lualchemy.orm.Mapper
---@field dialect lualchemy.Dialect
local Statements = class("Statements")

local M = {}

--- The driver whose values a dialect's rows are made of.
---@param dialect lualchemy.Dialect
---@return string
function M.driver_of(dialect) return dialect.name == "postgresql" and "libpq" or dialect.name end

-- Mapper -> dialect -> its texts; both may go away.
local all = setmetatable({}, { __mode = "k" })

--- The texts of a mapper for a dialect.
---@param mapper lualchemy.orm.Mapper
---@param dialect lualchemy.Dialect
---@return lualchemy.orm.Statements
function M.of(mapper, dialect)
  local own = all[mapper]
  if not own then
    own = setmetatable({}, { __mode = "k" })
    all[mapper] = own
  end
  local found = own[dialect]
  if not found or found.plan ~= mapper._c then
    found = Statements(mapper, dialect)
    own[dialect] = found
  end
  return found
end

function Statements:init(mapper, dialect)
  self.mapper, self.dialect, self.plan = mapper, dialect, mapper._c
  self.numbered = dialect.name == "postgresql"
  self.preparer = Preparer(dialect)
  self.table_name = self.preparer:format_table(mapper.local_table)
  self.columns, self.casts = {}, {}
  for _, prop in ipairs(mapper.properties) do
    if prop.kind == "column" and not prop.readonly then self.columns[prop.slot] = prop.column end
  end
  self.keys = {}
  for i, column in ipairs(mapper.primary_key) do self.keys[i] = mapper:property_for_column(column).slot end
  self.texts = {}
  self.codec = core.codec(self.plan, M.driver_of(dialect))
end

-- The text kept under a name, or made now.
function Statements:_text(name, make)
  local text = self.texts[name]
  if not text then
    text = make()
    self.texts[name] = text
  end
  return text
end

function Statements:_placeholder(n) return self.numbered and "$" .. n or "?" end

-- A parameter for a column, and a column to be read, with what their types put around them.
function Statements:_value(slot, placeholder)
  return text_around(self.columns[slot].type, "bind_expression", placeholder, self.dialect)
end

function Statements:_read(slot, name) return text_around(self.columns[slot].type, "column_expression", name, self.dialect) end

function Statements:_name(slot) return self.preparer:format_column(self.columns[slot]) end

function Statements:_names(slots)
  local names = {}
  for i, slot in ipairs(slots) do names[i] = self:_name(slot) end
  return table.concat(names, ", ")
end

-- " WHERE t.id = ? AND ...", the first parameter being number `from`.
function Statements:_where(from, version)
  local parts = {}
  local slots = { table.unpack(self.keys) }
  slots[#slots + 1] = version
  for i, slot in ipairs(slots) do
    parts[i] = ("%s.%s = %s"):format(self.table_name, self:_name(slot), self:_value(slot, self:_placeholder(from + i - 1)))
  end
  return " WHERE " .. table.concat(parts, " AND ")
end

function Statements:_returning(slots)
  if #slots == 0 then return "" end
  local names = {}
  for i, slot in ipairs(slots) do names[i] = self:_read(slot, self:_name(slot)) end
  return " RETURNING " .. table.concat(names, ", ")
end

local function groups(self, slots, rows)
  local list, n = {}, 0
  for row = 1, rows do
    local marks = {}
    for i, slot in ipairs(slots) do
      n = n + 1
      marks[i] = self:_value(slot, self:_placeholder(n))
    end
    list[row] = "(" .. table.concat(marks, ", ") .. ")"
  end
  return table.concat(list, ", ")
end

--- INSERT of `rows` rows with values for `slots`, giving back `returning`.
---@param shape string   the slots as a key
function Statements:insert(shape, slots, rows, returning)
  return self:_text(("insert %d %d %s"):format(rows, #returning, shape), function()
    if #slots == 0 then return ("INSERT INTO %s DEFAULT VALUES%s"):format(self.table_name, self:_returning(returning)) end
    return ("INSERT INTO %s (%s) VALUES %s%s"):format(self.table_name, self:_names(slots), groups(self, slots, rows),
      self:_returning(returning))
  end)
end

-- The type a parameter is cast to, as an array.
function Statements:_array_type(slot)
  return core.type_text(types.to_instance(self.columns[slot].type)._type, self.dialect._dialect) .. "[]"
end

--- Can rows of these columns be sent as one array per column? Arrays of arrays would have to be of one length.
function Statements:takes_arrays(slots)
  if not self.numbered or not self.dialect._dialect then return false end
  for _, slot in ipairs(slots) do
    if types.ARRAY:is(self.columns[slot].type) then return false end
  end
  return true
end

--- INSERT of any number of rows, given as one array per column. ORDER BY makes the generated keys rise in the
--- order of the rows.
function Statements:insert_arrays(shape, slots, returning)
  return self:_text(("arrays %d %s"):format(#returning, shape), function()
    local arrays, names, values = {}, {}, {}
    for i, slot in ipairs(slots) do
      arrays[i] = ("CAST(%s AS %s)"):format(self:_placeholder(i), self:_array_type(slot))
      names[i] = "p" .. i
      values[i] = self:_value(slot, names[i])
    end
    return ("INSERT INTO %s (%s) SELECT %s FROM unnest(%s) WITH ORDINALITY AS rows(%s, n) ORDER BY n%s"):format(self.table_name,
      self:_names(slots), table.concat(values, ", "), table.concat(arrays, ", "), table.concat(names, ", "), self:_returning(returning))
  end)
end

--- UPDATE of the columns in `slots` of one row by its key.
---@param version integer?   slot of a version counter that has to match
function Statements:update(shape, slots, version)
  return self:_text("update " .. shape, function()
    local sets = {}
    for i, slot in ipairs(slots) do sets[i] = ("%s=%s"):format(self:_name(slot), self:_value(slot, self:_placeholder(i))) end
    return ("UPDATE %s SET %s%s"):format(self.table_name, table.concat(sets, ", "), self:_where(#slots + 1, version))
  end)
end

--- DELETE of one row by its key.
function Statements:delete(version)
  return self:_text("delete", function() return ("DELETE FROM %s%s"):format(self.table_name, self:_where(1, version)) end)
end

-- SQL expressions among the columns (column_property) need the compiler, and the rest of the statement around them, for they
-- may be correlated to it. Their parameters become part of the text: those of the statement are the key's.
function Statements:_select_expressions(slots)
  local mapper, columns, criteria = self.mapper, {}, {}
  for i, slot in ipairs(slots) do
    local prop = mapper._by_slot[slot]
    columns[i] = prop.column:label(prop.readonly and "p" .. slot or mapper.local_table.name .. "_" .. prop.column.name)
  end
  for i, column in ipairs(mapper.primary_key) do criteria[i] = column:eq(clause.verbatim(self:_placeholder(i))) end
  local statement = clause.select(columns):where(clause.conjunction(criteria))
  return statement:compile({ dialect = self.dialect, literal_binds = true }).string
end

local function has_expression(self, slots)
  for _, slot in ipairs(slots) do
    if self.mapper._by_slot[slot].readonly then return true end
  end
  return false
end

local function labelled(self, slot)
  local label = self.mapper.local_table.name .. "_" .. self.columns[slot].name
  return ("%s AS %s"):format(self:_read(slot, self.table_name .. "." .. self:_name(slot)), self.dialect:quote(label))
end

--- SELECT of the columns in `slots` of one row by its key.
function Statements:select(slots, for_update)
  return self:_text("select " .. table.concat(slots, " ") .. (for_update or ""), function()
    if has_expression(self, slots) then return self:_select_expressions(slots) .. (for_update or "") end
    local names = {}
    for i, slot in ipairs(slots) do names[i] = labelled(self, slot) end
    return ("SELECT %s FROM %s%s%s"):format(table.concat(names, ", "), self.table_name, self:_where(1), for_update or "")
  end)
end

--- A statement on a many-to-many table: "insert" or "delete" of the row with these columns.
---@param secondary lualchemy.Table
---@param columns lualchemy.Column[]
function Statements:link(verb, secondary, columns)
  local table_name = self.preparer:format_table(secondary)
  local names, marks, parts = {}, {}, {}
  for i, column in ipairs(columns) do
    if column.table == nil then errors.raise("ArgumentError", "%s: not a column of the secondary table", tostring(column)) end
    names[i], marks[i] = self.preparer:format_column(column), self:_placeholder(i)
    parts[i] = ("%s.%s = %s"):format(table_name, names[i], marks[i])
  end
  if verb == "insert" then
    return ("INSERT INTO %s (%s) VALUES (%s)"):format(table_name, table.concat(names, ", "), table.concat(marks, ", "))
  end
  return ("DELETE FROM %s WHERE %s"):format(table_name, table.concat(parts, " AND "))
end

return M
