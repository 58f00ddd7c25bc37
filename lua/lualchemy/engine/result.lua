--- Results: rows as they come (`for row in result do`), or all, one, scalars, mappings.
-- A result reads from a running statement (`_run`, whose rows core.result_* fetches) or from a list of rows already
-- fetched. When it is exhausted its cursor is freed. The end is told once: by nil, by an empty list, by `all`; fetching on
-- raises ResourceClosedError, and so it does after `close` or a method that closes (`first`, `one`, `scalar`).
--
-- A NULL is nil in a row and as the answer of `scalar`; in a list or a loop of scalars, where nil would be a hole or
-- the end, it is sa.null.

local class = require("lualchemy.util.class")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local wait = require("lualchemy.engine.wait")

local native = core.result_functions(function(run)
  local status, err = wait.drive(run:connection(), run)
  if not status then error(err, 0) end
end)

-- -- what all kinds of result share ---------------------------------------------------------------------------------

---@class lualchemy.AnyResult
---@field private _next fun(self): any     the next item, nil at the end
local AnyResult = class("AnyResult")
class.no_list(AnyResult, function()
  errors.raise("InvalidRequestError", "a result is no list: its rows come one by one, as in `for row in result do`; result:all() makes a "
    .. "list of them")
end)

--- The next item; nil when there is none.
function AnyResult:fetchone() return self:_next() end

--- The rest, as a list.
---@return any[]
function AnyResult:fetchall()
  local items = {}
  for item in self._next, self do items[#items + 1] = item end
  return items
end

--- At most `n` items; none tells the end.
---@param n integer
---@return any[]
function AnyResult:fetchmany(n)
  local items = {}
  if self._was_short then
    self._was_short = nil       -- its source has told the end already
    return items
  end
  while #items < (n or 1) do
    local item = self:_next()
    if item == nil then
      self._was_short = items[1] ~= nil or nil
      break
    end
    items[#items + 1] = item
  end
  return items
end

function AnyResult:all() return self:fetchall() end

--- How many items `partitions` gives at a time when it is not told.
---@param n integer
---@return self
function AnyResult:yield_per(n)
  self._yield_per = n
  return self
end

local function block_of(result)
  if result._yield_per then return result._yield_per end
  if result._source then return block_of(result._source) end
  local context = result.context
  return context and context.execution_options.yield_per
end

--- Lists of `n` items, the last one shorter.
---@param n integer?    by default what `yield_per`, the method or the execution option, said
function AnyResult:partitions(n)
  n = n or block_of(self)
  if math.type(n) ~= "integer" or n < 1 then
    errors.raise("ArgumentError", "partitions(n) takes a positive integer, got %s", tostring(n))
  end
  return function()
    local items = self:fetchmany(n)
    return items[1] ~= nil and items or nil
  end
end

local function plain(item) if item ~= core.null then return item end end

--- The first item or nil; closes the result.
function AnyResult:first()
  local item = self:_next()
  self:close()
  return plain(item)
end

-- The only item. `required`: there must be one.
local function only(self, required)
  local item = self:_next()
  local more = item ~= nil and self:_next() ~= nil
  self:close()
  if more then errors.raise("MultipleResultsFound", "several rows were found when one was required") end
  if item == nil and required then errors.raise("NoResultFound", "no row was found when one was required") end
  return plain(item)
end

--- The only item; none or several are an error. Closes the result.
function AnyResult:one() return only(self, true) end

--- The only item, or nil; several are an error. Closes the result.
function AnyResult:one_or_none() return only(self, false) end

function AnyResult:__call() return self:_next() end

function AnyResult:__close() self:close() end

-- -- leaving out what came before -------------------------------------------------------------------------------------

local function key_of(item)
  local kind = math.type(item) or type(item)
  if kind == "userdata" and getmetatable(item) == core.row_metatable then
    local parts = {}
    for i = 1, #item do parts[i] = key_of(item[i]) end
    return table.concat(parts, "\0")
  end
  if kind == "table" then return ("table %p"):format(item) end
  local text = tostring(item)
  return ("%s %d %s"):format(kind, #text, text)
end

local function unique_next(next_item, make_key)
  local seen = {}
  return function(self)
    while true do
      local item = next_item(self)
      if item == nil then return nil end
      local key = make_key(item)
      if key == nil then key = seen end       -- what has no key is one item
      if not seen[key] then
        seen[key] = true
        return item
      end
    end
  end
end

--- Leaves out items that came before: rows by their values, objects by identity, or by `fn(item)`.
---@param fn (fun(item: any): any)?
function AnyResult:unique(fn)
  self._next = unique_next(self._next, fn or key_of)
  return self
end

-- -- results of rows --------------------------------------------------------------------------------------------------

---@class lualchemy.Result: lualchemy.AnyResult
---@field rowcount integer          rows matched by an INSERT, UPDATE or DELETE; -1 where unknown
---@field returns_rows boolean
---@field lastrowid integer?        SQLite's rowid of the last INSERT
---@field inserted_primary_key lualchemy.Row?
---@field inserted_primary_key_rows lualchemy.Row[]?
---@field returned_defaults lualchemy.Row?
---@field returned_defaults_rows lualchemy.Row[]?
---@field context table
local Result = AnyResult:extend("Result")

local ScalarResult = AnyResult:extend("ScalarResult")
local MappingResult = AnyResult:extend("MappingResult")

--- Over a running statement; `context` says what was executed.
---@param run userdata
---@param context table
---@return lualchemy.Result
function Result.over(run, context)
  return setmetatable({ _run = run, context = context, returns_rows = run:shape() ~= nil }, Result)
end

--- The same where the context is made when somebody asks for it (engine/execute.lua says how): once per statement, so
--- the table has as many fields as it will ever have.
---@return lualchemy.Result
function Result.plain(run, conn, statement)
  return setmetatable({ _run = run, _closed = false, _conn = conn, _statement = statement }, Result)
end

-- What a statement left behind, asked for by name only when it is wanted.
local computed = {
  context = function(self)
    local conn = rawget(self, "_conn")
    if not conn then return nil end
    self.context = Result._context_of(conn, self._statement, self._run)
    return self.context
  end,
  returns_rows = function(self) return self._run ~= nil and self._run:shape() ~= nil end,
  rowcount = function(self) return self._run and self._run:changes() or -1 end,
  lastrowid = function(self) return self._run and self._run:last_id() end,
  inserted_primary_key = function(self) return self.context and self.context:inserted_primary_key(self) end,
  inserted_primary_key_rows = function(self) return self.context and self.context:inserted_primary_key_rows(self) end,
  returned_defaults = function(self) return self.context and self.context:returned_defaults(self) end,
  returned_defaults_rows = function(self) return self.context and self.context:returned_defaults_rows() end,
  is_insert = function(self) return self.context ~= nil and self.context.isinsert end,
  connection = function(self) return self.context and self.context.connection end,
  dialect = function(self) return self.context and self.context.dialect end,
  -- What the database said of the result: one { name } per column, nil where it returns no rows.
  description = function(self)
    local shape = self._shape or self._run and self._run.shape and self._run:shape()
    if not shape then return nil end
    local list = {}
    for i, name in ipairs(shape:names()) do list[i] = { name } end
    return list
  end,
  closed = function(self) return self._closed or self._run ~= nil and self._run:closed() end,
}

-- What only the execution of an INSERT or UPDATE knows (engine/context.lua).
for _, name in ipairs { "last_inserted_params", "last_updated_params", "prefetch_cols", "postfetch_cols", "lastrow_has_defaults" } do
  Result[name] = function(self) return self.context[name](self.context) end
end

--- Does `rowcount` tell how many rows an UPDATE or DELETE met? It does in every database the library speaks to.
---@return boolean
function Result.supports_sane_rowcount() return true end
Result.supports_sane_multi_rowcount = Result.supports_sane_rowcount

local function index_of(methods)
  return function(self, key)
    local value = methods[key]
    if value == nil and computed[key] then return computed[key](self) end
    return value
  end
end

Result.__index = index_of(Result)

-- A result whose rows do not come straight from the cursor: from a list, or through `unique` or `columns`.
local IndirectResult = Result:extend("Result")
IndirectResult.__index = index_of(IndirectResult)

-- Results are made of running statements, above and below, not by calling their classes.
function AnyResult:init()
  errors.raise("ArgumentError", "a %s is what conn:execute(statement) returns; it is not made by hand", getmetatable(self).__name)
end

-- The end is told once.
local function tell_end(self)
  if self._told then
    errors.raise("ResourceClosedError", "all rows of this result have been fetched; keep them in a list, or execute the "
      .. "statement again")
  end
  self._told = true
end

local function next_of_list(self)
  if self._closed then errors.raise("ResourceClosedError", "this result is closed") end
  self._at = self._at + 1
  local row = self._rows[self._at]
  if row == nil then tell_end(self) end
  return row
end

--- A result of rows already there.
---@param shape userdata      core.shape
---@param rows any[]
---@param context table?
---@return lualchemy.Result
function Result.of_rows(shape, rows, context)
  return setmetatable({ _shape = shape, _rows = rows, _at = 0, _next = next_of_list, context = context,
    returns_rows = true }, IndirectResult)
end

local function shape_of(self)
  local run = self._run
  local shape = self._shape or run and run.shape and run:shape()
  if not shape then errors.raise("ResourceClosedError", "this statement does not return rows") end
  return shape
end

Result._next = native.result_next
Result.__call = native.result_next      -- once per row of `for row in result do`
Result.fetchall = native.result_rows
Result.all = function(self) return self:fetchall() end

-- What `only` does, straight from the cursor.
local function only_row(self, required)
  local next_row = native.result_next
  local row = next_row(self)
  local more = row ~= nil and next_row(self) ~= nil
  self._closed = true
  self._run:close()
  if more then errors.raise("MultipleResultsFound", "several rows were found when one was required") end
  if row == nil and required then errors.raise("NoResultFound", "no row was found when one was required") end
  return row
end

function Result:first()
  local row = native.result_next(self)
  self._closed = true
  self._run:close()
  return row
end

function Result:one() return only_row(self, true) end
function Result:one_or_none() return only_row(self, false) end

function Result:fetchmany(n) return native.result_rows(self, n or 1) end

function Result:unique(fn)
  AnyResult.unique(self, fn)
  return setmetatable(self, IndirectResult)
end

IndirectResult.first, IndirectResult.one, IndirectResult.one_or_none = AnyResult.first, AnyResult.one, AnyResult.one_or_none
IndirectResult.fetchall = AnyResult.fetchall
IndirectResult.fetchmany = AnyResult.fetchmany
IndirectResult.__call = AnyResult.__call

--- The columns' names, in order, with repetitions.
---@return string[]
function Result:keys() return shape_of(self):names() end

--- Frees the cursor; fetching raises from now on.
function Result:close()
  self._closed = true
  if self._run then self._run:close() end
end

--- Fetches everything now, so that the connection is free; the result reads on from memory.
---@param arrange (fun(rows: lualchemy.Row[]): lualchemy.Row[])?   puts the rows into another order
---@return lualchemy.Result
function Result:buffer(arrange)
  if not self._rows and self.returns_rows then
    local rows = self:fetchall()
    self._rows, self._at, self._next = arrange and arrange(rows) or rows, 0, next_of_list
    setmetatable(self, IndirectResult)
  end
  return self
end

--- Fetches everything now: a function that gives the rows as a result, as often as it is called.
---@return fun(): lualchemy.Result
function Result:freeze()
  local shape, rows = shape_of(self), self:fetchall()
  return function() return Result.of_rows(shape, rows) end
end

--- This result's rows and those of others behind them, as they are fetched.
---@vararg lualchemy.Result
---@return lualchemy.Result
function Result:merge(...)
  local sources, at = { self, ... }, 1
  for i, source in ipairs(sources) do
    if not Result:is(source) then errors.raise("ArgumentError", "merge() takes results of rows, number %d is %s", i - 1, tostring(source)) end
  end
  local merged = Result.of_rows(shape_of(self), {})
  merged._next = function(result)
    if result._closed then errors.raise("ResourceClosedError", "this result is closed") end
    while sources[at] do
      local row = sources[at]:_next()
      if row ~= nil then return row end
      at = at + 1
    end
    tell_end(result)
  end
  merged.close = function(result)
    result._closed = true
    for _, source in ipairs(sources) do source:close() end
  end
  return merged
end

--- This result's rows and those of another one beside them, row by row; both are fetched now.
---@param other lualchemy.Result
---@return lualchemy.Result
function Result:splice_horizontally(other)
  local names = self:keys()
  local width = #names
  for _, name in ipairs(other:keys()) do names[#names + 1] = name end
  local shape, rows, beside = core.shape(names), self:fetchall(), other:fetchall()
  if #rows ~= #beside then
    errors.raise("InvalidRequestError", "rows stand beside one another where both results have as many: these have %d and %d", #rows, #beside)
  end
  for i, row in ipairs(rows) do
    local values = { row:unpack() }
    for at = 1, #beside[i] do values[width + at] = beside[i][at] end
    rows[i] = core.row(shape, values)
  end
  return Result.of_rows(shape, rows, self.context)
end

--- This result's rows and behind them those of another one of as many columns; both are fetched now.
---@param other lualchemy.Result
---@return lualchemy.Result
function Result:splice_vertically(other)
  local shape, width = shape_of(self), #self:keys()
  if #other:keys() ~= width then
    errors.raise("InvalidRequestError", "rows stand behind one another where both results have as many columns: these have %d and %d", width,
      #other:keys())
  end
  local rows = self:fetchall()
  for _, row in ipairs(other:fetchall()) do rows[#rows + 1] = core.row(shape, { row:unpack() }) end
  return Result.of_rows(shape, rows, self.context)
end

--- Calls `fn` with every row that is fetched from now on.
---@param fn fun(row: lualchemy.Row)
function Result:each_fetched(fn)
  local next_row = self._next
  self._next = function(result)
    local row = next_row(result)
    if row ~= nil then fn(row) end
    return row
  end
  setmetatable(self, IndirectResult)
end

-- The position of a column given as position, name or column object.
local function position(self, column)
  local shape = shape_of(self)
  local names = shape:names()
  if math.type(column) == "integer" then
    if names[column] then return column end
  else
    local found = shape:find(column)
    if found == false then
      errors.raise("AmbiguousColumnError", "several columns of the result are called '%s'", tostring(column))
    end
    if found then return found end
  end
  errors.raise("NoSuchColumnError", "the result has no column %s; it has: %s", tostring(column),
    table.concat(names, ", "))
end

--- Rows of some of the columns only, in the order given.
---@vararg integer|string|lualchemy.Column
---@return lualchemy.Result
function Result:columns(...)
  if select("#", ...) == 0 then errors.raise("ArgumentError", "columns() takes the columns to keep, got none") end
  local names, positions, all = {}, {}, self:keys()
  for i = 1, select("#", ...) do
    positions[i] = position(self, (select(i, ...)))
    names[i] = all[positions[i]]
  end
  local shape, source = core.shape(names), self
  local narrowed = Result.of_rows(shape, {}, self.context)
  narrowed.close = function(result)
    result._closed = true
    source:close()
  end
  narrowed._next = function()
    local row = source:_next()
    if row == nil then return nil end
    local values = {}
    for i, at in ipairs(positions) do values[i] = row[at] end
    return core.row(shape, values)
  end
  return narrowed
end

--- The first column of the first row, nil also for NULL; closes the result.
function Result:scalar()
  local row = self:first()
  if row ~= nil then return row[1] end
end

--- The first column of the only row; no row or several are an error.
function Result:scalar_one() return self:one()[1] end

--- The first column of the only row, or nil.
function Result:scalar_one_or_none()
  local row = self:one_or_none()
  if row ~= nil then return row[1] end
end

--- One column's values instead of rows.
---@param column (integer|string|lualchemy.Column)?  the first by default
---@return lualchemy.ScalarResult
function Result:scalars(column)
  return setmetatable({ _source = self, _column = column and position(self, column) or 1 }, ScalarResult)
end

--- Plain tables by name instead of rows; a NULL is absent.
---@return lualchemy.MappingResult
function Result:mappings() return setmetatable({ _source = self }, MappingResult) end

--- Rows as they are (a name for the sake of code that switches between forms).
function Result:tuples() return self end

-- -- other forms ------------------------------------------------------------------------------------------------------

function ScalarResult:_next()
  local source = self._source
  if getmetatable(source) == IndirectResult then
    local row = source:_next()
    if row == nil then return nil end
    local value = row[self._column]
    return value == nil and core.null or value
  end
  local found, value = native.result_value(source, self._column)
  if not found then return nil end
  if value == nil then return core.null end
  return value
end

function ScalarResult:close() self._source:close() end

function MappingResult:_next()
  local row = self._source:_next()
  if row ~= nil then return row:_asdict() end
end

-- Straight from the cursor where nothing stands between.
function MappingResult:fetchall()
  if getmetatable(self._source) == Result and self._next == MappingResult._next then return native.result_records(self._source) end
  return AnyResult.fetchall(self)
end

function MappingResult:close() self._source:close() end
function MappingResult:keys() return self._source:keys() end

--- Tables of some of the columns only.
---@vararg integer|string|lualchemy.Column
---@return lualchemy.MappingResult
function MappingResult:columns(...) return self._source:columns(...):mappings() end

return {
  AnyResult = AnyResult, IndirectResult = IndirectResult, Result = Result, ScalarResult = ScalarResult, MappingResult = MappingResult,
  index_of = index_of, next_of_list = next_of_list,
}
