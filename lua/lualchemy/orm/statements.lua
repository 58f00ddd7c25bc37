--- The SQL texts of the unit of work and of loading by key, written once per mapper, dialect and shape.
-- They are so regular that they are put together from names the dialect quotes; values are always parameters.

local Preparer = require("lualchemy.schema.preparer")
local class = require("lualchemy.util.class")
local clause = require("lualchemy.orm.clause")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local inheritance = require("lualchemy.orm.inheritance")
local text_around = require("lualchemy.sql.type_expression").text_around
local types = require("lualchemy.types")

---@class lualchemy.orm.Statements   the texts for one table of a mapper's
---@field mapper lualchemy.orm.Mapper
---@field level lualchemy.orm.Level
---@field dialect lualchemy.Dialect
---@field columns table<integer, lualchemy.Column>   the table's columns by attribute number
---@field mask string                the same as a set for the core
---@field generated integer[]        attributes that the database makes
---@field sequences { slot: integer, text: string }[]   those among them whose values an INSERT takes from a sequence
---@field changed_by_update lualchemy.orm.ColumnProperty[]   what the database makes anew with each UPDATE
---@field generated_key integer?     the one among them that tells the rows of an INSERT apart
---@field key_counts boolean         does it count up?
local Statements = class("Statements")

local M = {}

-- Mapper -> dialect -> position of a table -> its texts; all may go away.
local all = setmetatable({}, { __mode = "k" })

--- The texts of a mapper for a dialect and one of its tables (the first one, unless told).
---@param mapper lualchemy.orm.Mapper
---@param dialect lualchemy.Dialect
---@param position (integer|lualchemy.orm.Level)?   a table of a join is told by itself
---@return lualchemy.orm.Statements
function M.of(mapper, dialect, position)
  position = position or 1
  local own = all[mapper]
  if not own then
    own = setmetatable({}, { __mode = "k" })
    all[mapper] = own
  end
  local found = own[dialect]
  if not found or found.plan ~= mapper._c then
    found = { plan = mapper._c }
    own[dialect] = found
  end
  local texts = found[position]
  if not texts then
    texts = Statements(mapper, dialect, position)
    found[position] = texts
  end
  return texts
end

local function is_key_column(level, column)
  for _, key in ipairs(level.keys) do
    if rawequal(key, column) then return true end
  end
  return false
end

-- For INSERT: the attributes that the database makes (the keys of the tables below the first one are copied to them); and
-- those that it makes anew with each UPDATE.
function Statements:_note_generated()
  local own_key = self.table.primary_key
  local counting = own_key and own_key.autoincrement_column
  self.generated, self.key_counts, self.changed_by_update, self.sequences = {}, false, {}, {}
  for _, prop in ipairs(self.mapper._by_slot) do
    local column = self.columns[prop.slot]
    if column and (column.computed ~= nil or column.server_onupdate ~= nil) then table.insert(self.changed_by_update, prop) end
    local next_value = column and self:_next_of(column)
    if next_value then table.insert(self.sequences, { slot = prop.slot, text = next_value }) end
    local made = next_value or column and (column.server_default ~= nil or column.identity ~= nil or column.computed ~= nil)
    if column and (made or rawequal(column, counting)) and not (self.position > 1 and is_key_column(self.level, column)) then
      self.generated[#self.generated + 1] = prop.slot
      if rawequal(column, counting) then
        self.generated_key, self.key_counts = prop.slot, true
      elseif column.primary_key and not self.generated_key then
        self.generated_key = prop.slot
      end
    end
  end
end

-- The next value of the sequence that a column is made from, as SQL text; nil where the database has no sequences, or
-- need not use this one.
function Statements:_next_of(column)
  local sequence = column.default
  if not sequence or not sequence.is_sequence or sequence.optional or not self.dialect.caps.sequences then return nil end
  return sequence:next_value():compile(self.dialect).string
end

local function pack_set(columns, count)
  local bytes = {}
  for i = 1, count // 8 + 1 do bytes[i] = 0 end
  for slot in pairs(columns) do
    local at = (slot - 1) // 8 + 1
    bytes[at] = bytes[at] | 1 << (slot - 1) % 8
  end
  return string.char(table.unpack(bytes))
end

function Statements:init(mapper, dialect, position)
  self.mapper, self.dialect, self.plan = mapper, dialect, mapper._c
  self.position, self.level = position, mapper.levels[position]
  if type(position) == "table" then self.position, self.level = 1, position end
  self.table = self.level.table
  self.numbered = dialect:descends_from("postgresql")
  self.preparer = Preparer(dialect)
  self.is_table = core.kind(self.table) == "table" -- else a join or a subquery, whose rows are read only
  self.table_name = self.is_table and self.preparer:format_table(self.table) or nil
  self.columns = {}
  for _, prop in ipairs(mapper.properties) do
    for _, column in ipairs(prop.kind == "column" and not prop.readonly and prop.columns or {}) do
      if not self.is_table or rawequal(column.table, self.table) then self.columns[prop.slot] = self.columns[prop.slot] or column end
    end
  end
  self.mask = pack_set(self.columns, #mapper._by_slot)
  self:_note_generated()
  self.texts = {}
  self.codec = core.codec(self.plan, dialect._dialect)
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
function Statements:_value(column, placeholder)
  return text_around(column.type, "bind_expression", placeholder, self.dialect)
end

function Statements:_read(column, name) return text_around(column.type, "column_expression", name, self.dialect) end

function Statements:_name(slot) return self.preparer:format_column(self.columns[slot]) end

function Statements:_full_name(column)
  return self.preparer:format_table(column.table) .. "." .. self.preparer:format_column(column)
end

-- " WHERE t.id = ? AND ...", the first parameter being number `from`.
function Statements:_where(from, version, level)
  local parts = {}
  local columns = { table.unpack((level or self.level).keys) }
  columns[#columns + 1] = self.columns[version]
  for i, column in ipairs(columns) do
    parts[i] = ("%s = %s"):format(self:_full_name(column), self:_value(column, self:_placeholder(from + i - 1)))
  end
  return " WHERE " .. table.concat(parts, " AND ")
end

function Statements:_returning(slots)
  if #slots == 0 then return "" end
  local names = {}
  for i, slot in ipairs(slots) do names[i] = self:_read(self.columns[slot], self:_name(slot)) end
  return " RETURNING " .. table.concat(names, ", ")
end

-- The columns of an INSERT that gets values for `slots`, and what it takes from sequences, to stand behind each row's values.
function Statements:_inserted(slots)
  local given, names, values = {}, {}, {}
  for i, slot in ipairs(slots) do given[slot], names[i] = true, self:_name(slot) end
  for _, sequence in ipairs(self.sequences) do
    if not given[sequence.slot] then names[#names + 1], values[#values + 1] = self:_name(sequence.slot), sequence.text end
  end
  return table.concat(names, ", "), values
end

local function groups(self, slots, rows, more)
  local list, n = {}, 0
  for row = 1, rows do
    local marks = {}
    for i, slot in ipairs(slots) do
      n = n + 1
      marks[i] = self:_value(self.columns[slot], self:_placeholder(n))
    end
    table.move(more, 1, #more, #marks + 1, marks)
    list[row] = "(" .. table.concat(marks, ", ") .. ")"
  end
  return table.concat(list, ", ")
end

--- INSERT of `rows` rows with values for `slots`, giving back `returning`.
---@param shape string   the slots as a key
function Statements:insert(shape, slots, rows, returning)
  return self:_text(("insert %d %d %s"):format(rows, #returning, shape), function()
    local names, more = self:_inserted(slots)
    if names == "" then return ("INSERT INTO %s DEFAULT VALUES%s"):format(self.table_name, self:_returning(returning)) end
    return ("INSERT INTO %s (%s) VALUES %s%s"):format(self.table_name, names, groups(self, slots, rows, more), self:_returning(returning))
  end)
end

--- SQLite: SELECT of what the table's schema has of that name, the parameter: itself, and its indexes and triggers.
function Statements:find_parts()
  return self:_text("parts", function()
    local schema = self.table.schema
    return ("SELECT type FROM %ssqlite_master WHERE tbl_name = ?1 COLLATE NOCASE UNION "
      .. "SELECT type FROM sqlite_temp_master WHERE tbl_name = ?1 COLLATE NOCASE"):format(
        schema and self.preparer:quote(schema) .. "." or "")
  end)
end

-- What a parameter is cast to that holds a column's values as an array.
function Statements:_array_type(slot, column)
  return core.flush_array_cast(self.codec, slot)
    or core.type_text(types.to_instance(column.type)._type, self.dialect._dialect) .. "[]"
end

-- "unnest(CAST($1 AS ...), ...)" of one array per column, the first parameter being $1.
function Statements:_unnest(slots, columns)
  local arrays = {}
  for i, column in ipairs(columns) do
    arrays[i] = ("CAST(%s AS %s)"):format(self:_placeholder(i), self:_array_type(slots[i], column))
  end
  return ("unnest(%s)"):format(table.concat(arrays, ", "))
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
    local columns, names, values = {}, {}, {}
    for i, slot in ipairs(slots) do
      columns[i], names[i] = self.columns[slot], "p" .. i
      values[i] = self:_value(columns[i], names[i])
    end
    local inserted, more = self:_inserted(slots)
    table.move(more, 1, #more, #values + 1, values)
    return ("INSERT INTO %s (%s) SELECT %s FROM %s WITH ORDINALITY AS rows(%s, n) ORDER BY n%s"):format(self.table_name,
      inserted, table.concat(values, ", "), self:_unnest(slots, columns), table.concat(names, ", "), self:_returning(returning))
  end)
end

--- UPDATE of the columns in `slots` of one row by its key.
---@param version integer?   slot of a version counter that has to match
function Statements:update(shape, slots, version)
  return self:_text("update " .. shape, function()
    local sets = {}
    for i, slot in ipairs(slots) do sets[i] = ("%s=%s"):format(self:_name(slot), self:_value(self.columns[slot], self:_placeholder(i))) end
    return ("UPDATE %s SET %s%s"):format(self.table_name, table.concat(sets, ", "), self:_where(#slots + 1, version))
  end)
end

-- Attribute number and column of the key, where arrays of its values find rows: it is one column, compared as it is.
function Statements:_array_key()
  local key = self.level.keys[1]
  if not self.numbered or not self.dialect._dialect or #self.level.keys ~= 1 then return nil end
  if types.ARRAY:is(key.type) or self:_value(key, "$1") ~= "$1" then return nil end
  return self.mapper:property_for_column(self.mapper.primary_key[1]).slot, key
end

--- Can rows be changed by one array per column?
function Statements:updates_by_array(slots) return self:_array_key() ~= nil and self:takes_arrays(slots) end

--- UPDATE of any number of rows, given as one array per column and then one of their keys. Written so, the criterion leaves the
--- database no way but to look up one row after the other: they are locked in the order of the array.
function Statements:update_arrays(shape, slots)
  return self:_text("update arrays " .. shape, function()
    local given, columns, names, sets = { table.unpack(slots) }, {}, {}, {}
    for i, slot in ipairs(slots) do
      columns[i], names[i] = self.columns[slot], "p" .. i
      sets[i] = ("%s=%s"):format(self:_name(slot), self:_value(columns[i], "rows." .. names[i]))
    end
    local n = #slots + 1
    given[n], columns[n] = self:_array_key()
    names[n] = "k"
    return ("UPDATE %s SET %s FROM %s AS rows(%s) WHERE %s = ANY(ARRAY[rows.k])"):format(self.table_name, table.concat(sets, ", "),
      self:_unnest(given, columns), table.concat(names, ", "), self:_full_name(columns[n]))
  end)
end

--- DELETE of one row by its key.
function Statements:delete(version)
  return self:_text("delete", function() return ("DELETE FROM %s%s"):format(self.table_name, self:_where(1, version)) end)
end

--- Can rows be deleted by an array of their keys?
function Statements:deletes_by_array() return self:_array_key() ~= nil end

--- DELETE of any number of rows by such an array.
function Statements:delete_array()
  return self:_text("delete array", function()
    local slot, key = self:_array_key()
    return ("DELETE FROM %s WHERE %s = ANY(CAST($1 AS %s))"):format(self.table_name, self:_full_name(key), self:_array_type(slot, key))
  end)
end

-- What a column is called in such a SELECT: an expression, and a column of a nameless subquery, by its number.
local function label_of(prop, slot)
  local table_ = not prop.readonly and prop.column.table
  return table_ and table_.name and table_.name .. "_" .. prop.column.name or "p" .. slot
end

-- SQL expressions among the columns (column_property), joins and subqueries need the compiler, and the rest of the statement around them, for they
-- may be correlated to it. Their parameters become part of the text: those of the statement are the key's.
function Statements:_select_expressions(slots)
  local mapper, columns, criteria = self.mapper, {}, {}
  for i, slot in ipairs(slots) do
    local prop = mapper._by_slot[slot]
    columns[i] = prop.column:label(label_of(prop, slot))
  end
  for i, column in ipairs(mapper.primary_key) do criteria[i] = column:eq(clause.verbatim(self:_placeholder(i))) end
  criteria[#criteria + 1] = inheritance.criterion(mapper)
  local statement = clause.select(columns):select_from(mapper.persist_selectable):where(clause.conjunction(criteria))
  return statement:compile({ dialect = self.dialect, literal_binds = true }).string
end

local function has_expression(self, slots)
  for _, slot in ipairs(slots) do
    if self.mapper._by_slot[slot].readonly then return true end
  end
  return false
end

-- The position of an attribute in the primary key, or nil.
function Statements:_key_position(prop)
  for i, column in ipairs(self.mapper.primary_key) do
    if self.mapper:property_for_column(column) == prop then return i end
  end
end

-- The column of an attribute in one of these tables, the first that has it. Every table has the key.
function Statements:_column_in(prop, levels)
  local position = self:_key_position(prop)
  if position then return levels[1].keys[position] end
  for _, level in ipairs(levels) do
    for _, column in ipairs(prop.columns) do
      if rawequal(column.table, level.table) then return column end
    end
  end
end

function Statements:_labelled(slot, levels)
  local column = self:_column_in(self.mapper._by_slot[slot], levels)
  return ("%s AS %s"):format(self:_read(column, self:_full_name(column)), self.dialect:quote(column.table.name .. "_" .. column.name))
end

-- The tables that attributes of a known object lie in; all where it has to be found out whether there is such an object.
function Statements:_levels_of(slots, partial)
  local levels = self.mapper.levels
  if not partial then return levels end
  local needed, list = {}, {}
  for _, slot in ipairs(slots) do
    local prop = self.mapper._by_slot[slot]
    if not self:_key_position(prop) then needed[prop.column.table] = true end
  end
  for _, level in ipairs(levels) do
    if needed[level.table] then list[#list + 1] = level end
  end
  return #list > 0 and list or { levels[1] }
end

-- "a JOIN b ON a.id = b.id": by the columns that hold the key.
function Statements:_from(levels)
  local parts = { self.preparer:format_table(levels[1].table) }
  for i = 2, #levels do
    local equal = {}
    for k, key in ipairs(levels[i].keys) do
      equal[k] = ("%s = %s"):format(self:_full_name(levels[1].keys[k]), self:_full_name(key))
    end
    parts[i] = ("%s ON %s"):format(self.preparer:format_table(levels[i].table), table.concat(equal, " AND "))
  end
  return table.concat(parts, " JOIN ")
end

--- SELECT of the columns in `slots` of one row by its key.
---@param partial boolean?   the object is known to exist: the tables of these columns will do
function Statements:select(slots, for_update, partial)
  return self:_text(("select %s %s %s"):format(table.concat(slots, " "), for_update or "", partial or false), function()
    if not self.is_table or has_expression(self, slots) then return self:_select_expressions(slots) .. (for_update or "") end
    local names = {}
    local levels = self:_levels_of(slots, partial)
    for i, slot in ipairs(slots) do names[i] = self:_labelled(slot, levels) end
    local only = not partial and inheritance.criterion(self.mapper)
    only = only and " AND " .. only:compile({ dialect = self.dialect, literal_binds = true }).string or ""
    return ("SELECT %s FROM %s%s%s%s"):format(table.concat(names, ", "), self:_from(levels), self:_where(1, nil, levels[1]), only,
      for_update or "")
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
