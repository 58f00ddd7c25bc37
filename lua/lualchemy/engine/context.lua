--- What is known about one execution: handed to events, to default functions and to the result.

local class = require("lualchemy.util.class")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")

---@class lualchemy.ExecutionContext
---@field connection lualchemy.Connection
---@field engine lualchemy.Engine
---@field dialect lualchemy.Dialect
---@field statement any               what was executed
---@field compiled userdata?          its compiled form
---@field execution_options table
---@field current_parameters table?   for a default function: the set it makes a value for
---@field isinsert boolean
---@field seconds number?            until the first row or the end; for listeners of after_cursor_execute, see times()
---@field executemany boolean
---@field meanwhile fun()?          called once while the database works; must not raise
local Context = class("ExecutionContext", { isinsert = false, executemany = false, batch_sql = false, batch_sets = false })

---@param connection lualchemy.Connection
---@param statement any
---@param options table
---@param compiled userdata?
---@param bound userdata?
---@return lualchemy.ExecutionContext
function Context.of(connection, statement, options, compiled, bound)
  -- What an execution always adds is named, so that the table is made in the size it will have.
  return setmetatable({ connection = connection, engine = connection.engine, dialect = connection.dialect,
    statement = statement, execution_options = options, executemany = false, flags = 0,
    compiled = compiled, bound = bound, seconds = nil, _run = nil }, Context)
end

--- Where the time went so far, for those who listen for statements: `query`, the seconds until the first row was there
--- or the end of a statement without rows; `fetch`, the seconds that were spent with getting `rows` rows from the driver.
--- Values become Lua's when they are read, not before. What was waited for a connection is in `engine:metrics()`.
---@return { query: number, fetch: number, rows: integer }
function Context:times()
  local fetch, rows = 0.0, 0
  if self._run then fetch, rows = self._run:fetched() end
  return { query = self.seconds or 0.0, fetch = fetch, rows = rows }
end

--- The parameters of the row that a default is made for.
---@return table
function Context:get_current_parameters() return self.current_parameters end

--- The key of the row that an INSERT made: what was sent, what the database returned, or its row number. No key if it made no
--- row, as ON CONFLICT DO NOTHING may: SQLite's last row number would be that of another row.
---@param result lualchemy.Result?   the statement's
---@return lualchemy.Row?
function Context:inserted_primary_key(result)
  if not self.isinsert or self.executemany then return nil end
  if result and result.returns_rows and not self.returned_row then
    errors.raise("InvalidRequestError", "the statement has returning(): the key is in its rows, not in inserted_primary_key")
  end
  if result and not result.returns_rows and result.rowcount == 0 then return nil end
  local names, values = core.inserted_key(self.compiled, self.bound, self.last_id, self.returned_row)
  if names then return core.row(core.shape(names), values) end
end

--- The same for each set of many: what was sent, and what the database returned if that is known set by set (with
--- `return_defaults`, or the key in `returning` with sort_by_parameter_order).
---@param result lualchemy.Result?
---@return lualchemy.Row[]?
function Context:inserted_primary_key_rows(result)
  if not self.isinsert then return nil end
  if not self.executemany then return { self:inserted_primary_key(result) } end
  local rows, shape = {}, nil
  for set = 1, #self.bound do
    local returned = self.returned_rows and self.returned_rows[set]
    local names, values = core.inserted_key(self.compiled, self.bound, nil, returned, set)
    if not names then return nil end
    shape = shape or core.shape(names)
    rows[set] = core.row(shape, values)
  end
  return rows
end

--- What came back that nobody asked for in `returning`: keys and defaults that the database made, of one row.
---@return lualchemy.Row?
function Context:returned_defaults() return self.returned_row end

--- The same of every row: of each parameter set, or of each row that an UPDATE or DELETE met.
---@return lualchemy.Row[]?
function Context:returned_defaults_rows() return self.returned_rows end

local WRITES = { insert = "insert()", update = "update()" }

-- Is it the execution of a statement of one of these kinds, compiled here?
local function check_kind(self, ...)
  local kind = self.compiled and core.kind(self.statement)
  local names = {}
  for i, wanted in ipairs { ... } do
    if kind == wanted then return end
    names[i] = WRITES[wanted]
  end
  errors.raise("InvalidRequestError", "Statement is not an %s expression construct.", table.concat(names, " or "))
end

local function sent(self)
  if not self.executemany then return core.sent_params(self.compiled, self.bound) end
  local sets = {}
  for set = 1, #self.bound do sets[set] = core.sent_params(self.compiled, self.bound, set) end
  return sets
end

--- The parameters that an INSERT was sent with, defaults among them, by their names; of many sets a list. NULL is sa.null.
---@return table
function Context:last_inserted_params()
  check_kind(self, "insert")
  return sent(self)
end

--- The same of an UPDATE.
---@return table
function Context:last_updated_params()
  check_kind(self, "update")
  return sent(self)
end

--- The columns whose defaults the library made before it sent the INSERT or UPDATE.
---@return lualchemy.Column[]
function Context:prefetch_cols()
  check_kind(self, "insert", "update")
  return (core.filled_columns(self.compiled))
end

local function has(columns, column)
  for _, one in ipairs(columns) do
    if rawequal(one, column) then return true end
  end
  return false
end

--- The columns that the database gave a value which is not known here: by SQL in the statement, or by its own default.
---@return lualchemy.Column[]
function Context:postfetch_cols()
  check_kind(self, "insert", "update")
  local before, by_sql, given = core.filled_columns(self.compiled)
  local default = core.kind(self.statement) == "insert" and "server_default" or "server_onupdate"
  local list = {}
  for _, column in ipairs(core.from_columns(core.dml_table(self.statement))) do
    local by_default = column[default] ~= nil and not column.primary_key and not has(before, column) and not has(given, column)
    if by_default or has(by_sql, column) then list[#list + 1] = column end
  end
  return list
end

--- Did the database give some column a value that is not known here?
---@return boolean
function Context:lastrow_has_defaults()
  local kind = self.compiled and core.kind(self.statement)
  return WRITES[kind] ~= nil and #self:postfetch_cols() > 0
end

return Context
