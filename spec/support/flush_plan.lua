--- What a flush would do to a database, without one: the kinds of statements, their tables and their order, on the
-- fake driver.
--
--     local plan <close> = flush_plan.new()
--     local u = User{ id = 1 }
--     plan:of(function(session) session:add(u) end)     --> { "INSERT users" }
--     plan:of(function() u.name = "x" end)              --> { "UPDATE users SET name" }
--
-- A line stands for neighbouring statements of one kind on one table, with " x<rows>" where that is not one row.
-- Generated keys count from 1 per table, every UPDATE and DELETE meets the rows it names, a SELECT finds what `rows`
-- says. How rows are batched into statements is not shown: it is the library's own business.

local core = require("lualchemy._core")
local orm = require("lualchemy.orm")
local sa = require("lualchemy")

local M = {}

---@class spec.FlushPlan
---@field session lualchemy.orm.Session
---@field engine lualchemy.Engine
local FlushPlan = {}
FlushPlan.__index = FlushPlan

local function values_count(sql)
  local values = sql:match("VALUES (.*)$")
  if not values then return 1 end
  local _, count = values:gsub("%([^()]*%)", "")
  return math.max(1, count)
end

local function names_in(list)
  local names = {}
  for name in list:gmatch("[^,]+") do names[#names + 1] = name:match('^%s*"?([%w_]+)') end
  return names
end

local function bare(name) return (name:gsub('"', "")) end

-- The answer to an INSERT that gives back generated values: each column counts up by itself.
function FlushPlan:_answer_insert(sql)
  local table_name, n = bare(sql:match("^INSERT INTO (%S+)")), values_count(sql)
  local last = self.last_id[table_name] or 0
  self.last_id[table_name] = last + n
  local returning = sql:match(" RETURNING (.*)$")
  if not returning then return { match = sql, times = 1, changes = n, last_insert_id = last + n } end
  local columns, rows = names_in(returning), {}
  for i = 1, n do
    rows[i] = {}
    for j = 1, #columns do rows[i][j] = last + i end
  end
  return { match = sql, times = 1, changes = n, columns = columns, rows = rows }
end

function FlushPlan:_answer_select(sql)
  for _, answer in ipairs(self.answers) do
    if sql:find(answer.match, 1, true) then return { match = sql, times = 1, columns = answer.columns, rows = answer.rows } end
  end
  local columns = {}
  for i, name in ipairs(names_in(sql:match("^SELECT (.-)%sFROM"))) do columns[i] = name end
  return { match = sql, times = 1, columns = columns, rows = {} }
end

-- "INSERT users", "UPDATE users SET name", "DELETE users", "SELECT users", or nil for what is no work on a table.
local function describe(sql)
  local verb, table_name = sql:match("^(%u+) INTO (%S+)")
  if verb then return "INSERT " .. bare(table_name), values_count(sql) end
  local updated, set = sql:match("^UPDATE (%S+) SET (.-) WHERE")
  if updated then
    local names = {}
    for name in set:gmatch('"?([%w_]+)"?%s*=') do names[#names + 1] = name end
    return ("UPDATE %s SET %s"):format(bare(updated), table.concat(names, ", ")), 1
  end
  local deleted = sql:match("^DELETE FROM (%S+)")
  if deleted then return "DELETE " .. bare(deleted), 1 end
  local selected = sql:match("^SELECT .-%sFROM ([^%s,]+)")
  if selected then return "SELECT " .. bare(selected), 1 end
end

-- The statements that the fake has recorded, as lines.
function FlushPlan:_lines()
  local lines, last, total = {}, nil, 0
  for _, entry in ipairs(self.fake:log()) do
    local what, rows = describe(entry.sql)
    if what then
      rows = rows * (entry.sets and #entry.params or 1)
      total = what == last and total + rows or rows
      last = what
      lines[(what == (lines[#lines] or ""):gsub(" x%d+$", "")) and #lines or #lines + 1] = total == 1 and what or what .. " x" .. total
    end
  end
  return lines
end

--- A session on a database that is not there. `rows`: what SELECTs find, { match = part of the SQL, columns =, rows = }.
---@param options { rows: table[]?, session: table? }?
---@return spec.FlushPlan
function M.new(options)
  options = options or {}
  local self = setmetatable({ last_id = {}, answers = options.rows or {} }, FlushPlan)
  local driver
  driver, self.fake = core.fake_driver {}
  self.engine = sa.create_engine("sqlite://", { creator = function() return driver:connect {} end })
  sa.event.listen(self.engine, "before_cursor_execute", function(_, _, sql)
    if sql:find("^INSERT") then self.fake:answer(self:_answer_insert(sql)) end
    if sql:find("^SELECT") then self.fake:answer(self:_answer_select(sql)) end
  end)
  local session_options = { bind = self.engine }
  for key, value in pairs(options.session or {}) do session_options[key] = value end
  self.session = orm.Session(session_options)
  return self
end

--- What a function and the flush after it send, as lines.
---@param change fun(session: lualchemy.orm.Session)
---@return string[]
function FlushPlan:of(change)
  self.fake:clear()
  change(self.session)
  self.session:flush()
  return self:_lines()
end

--- The parameters of the statements of a kind since then, in their order: { { 1, "ed" }, ... }.
---@param what string   as in a line: "INSERT users"
---@return any[][]
function FlushPlan:parameters(what)
  local list = {}
  for _, entry in ipairs(self.fake:log()) do
    if describe(entry.sql) == what then
      local rows = entry.sets and entry.params or { entry.params }
      for _, row in ipairs(rows) do
        local width = #row // values_count(entry.sql)
        for i = 1, #row, width do list[#list + 1] = { table.unpack(row, i, i + width - 1) } end
      end
    end
  end
  return list
end

function FlushPlan:close()
  self.session:close()
  self.engine:dispose()
end
FlushPlan.__close = FlushPlan.close

return M
