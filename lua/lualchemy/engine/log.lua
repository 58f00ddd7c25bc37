--- What `echo = true` prints: the SQL as it is sent and its parameters, BEGIN, COMMIT and ROLLBACK.
-- The engine asks `engine._log` (nil when nothing is to be logged) before it prepares any text.

local errors = require("lualchemy.errors")

local M = {}

local MAX_SETS = 8         -- parameter sets shown of one execute
local MAX_VALUES = 40      -- values shown of one set
local MAX_TEXT = 300       -- bytes shown of one value

local function quote(text)
  if #text > MAX_TEXT then
    local half = MAX_TEXT // 2
    return ("%s ... (%d bytes) ... %s"):format(quote(text:sub(1, half)), #text, quote(text:sub(-half)))
  end
  local escaped = text:gsub("[%c\\']", function(c)
    local known = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\\"] = "\\\\", ["'"] = "\\'" }
    return known[c] or ("\\x%02x"):format(c:byte())
  end)
  return "'" .. escaped .. "'"
end

local function format_value(value)
  if type(value) == "string" then return quote(value) end
  if value == nil or type(value) == "userdata" and getmetatable(value) == nil then return "NULL" end
  if math.type(value) == "float" then return ("%.17g"):format(value):gsub("^-?%d+$", "%0.0") end
  return tostring(value)
end

local function format_set(values)
  local n, out = values.n or #values, {}
  for i = 1, math.min(n, MAX_VALUES) do out[i] = (format_value(values[i])) end
  if n > MAX_VALUES then out[#out + 1] = ("... %d more"):format(n - MAX_VALUES) end
  return "[" .. table.concat(out, ", ") .. "]"
end

--- Parameters as text: a list of values, or a list of such lists (`total` says how many sets there are in all).
---@param params any[]
---@param total integer?
---@return string
function M.format_params(params, total)
  if type(params[1]) ~= "table" then return format_set(params) end
  total = total or #params
  local out = {}
  for i = 1, math.min(#params, MAX_SETS) do out[i] = format_set(params[i]) end
  if total > #out then out[#out + 1] = ("... %d sets in all"):format(total) end
  return "[" .. table.concat(out, ", ") .. "]"
end

errors.format_params = M.format_params

--- The parameters of a statement; a list of one set is shown as that set.
---@param bound userdata    core.bound
---@return string
function M.format_bound(bound)
  local params, total = bound:list(MAX_SETS)
  if #bound == 1 and type(params[1]) == "table" then params = params[1] end
  return M.format_params(params, total)
end

--- Prints a line for a connection: its execution option `logging_token`, or the engine's, says whose work it is;
--- false takes it away.
---@param conn lualchemy.Connection
---@param line string
function M.write(conn, line)
  local token = conn._options.logging_token
  conn.engine._log(token and ("[%s] %s"):format(tostring(token), line) or line)
end

--- With `echo = "debug"`: prints the names of a result's columns, and each row when it is fetched.
---@param conn lualchemy.Connection
---@param outcome lualchemy.Result
function M.show_rows(conn, outcome)
  if not outcome.returns_rows then return end
  M.write(conn, "Col " .. format_set(outcome:keys()))
  outcome:each_fetched(function(row)
    if conn.engine._log then M.write(conn, "Row " .. tostring(row)) end
  end)
end

--- The number of parameter sets worth fetching for a message.
M.max_sets = MAX_SETS

local function to_stdout(line) io.stdout:write(line, "\n") end

--- The function that prints a line for an engine whose `echo` and `logger` are these; nil: nobody listens.
---@param echo boolean|"debug"|nil
---@param logger (fun(line: string))?
---@param name string?   of the engine, to be said in each line
---@return (fun(line: string))?
function M.writer(echo, logger, name)
  if not echo then return nil end
  local write = logger or to_stdout
  return name and function(line) write(("[%s] %s"):format(name, line)) end or write
end

return M
