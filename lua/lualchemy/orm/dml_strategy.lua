--- The execution option `dml_strategy`: how a session understands an INSERT, UPDATE or DELETE of a mapped class. "auto" (the
-- default) looks at the parameters; "bulk" wants a list of rows; "orm" takes criteria and values, no rows; "raw" and
-- "core_only" send the statement as Core would: columns by their names, and no object in memory hears of it.

local errors = require("lualchemy.errors")

local M = {}

local known = {
  insert = { "auto", "bulk", "orm", "raw" },
  update = { "auto", "bulk", "orm", "core_only" },
  delete = { "auto", "orm", "core_only" },
}

local as_core = { raw = true, core_only = true }

--- What is to be done with a statement: "core", "bulk", "orm" or "auto".
---@param memory { kind: string, mapper: lualchemy.orm.Mapper, ordered_values: boolean? }
---@param strategy any
---@param is_list boolean   the parameters are a list of rows
---@return string
function M.check(memory, strategy, is_list)
  local kind = (memory.kind == "update" or memory.kind == "delete") and memory.kind or "insert"
  local found = strategy == nil and "auto" or nil
  for _, name in ipairs(known[kind]) do found = found or name == strategy and name or nil end
  if not found then
    errors.raise("ArgumentError", "dml_strategy of sa.%s() is \"%s\"; got %s", kind, table.concat(known[kind], "\", \""), tostring(strategy))
  end
  if as_core[found] then return "core" end
  local name = memory.mapper.class_name
  if found == "bulk" and not is_list then
    errors.raise("InvalidRequestError", "dml_strategy = \"bulk\" is for a list of rows: session:execute(sa.%s(%s), { { ... }, ... })", kind, name)
  elseif kind == "delete" and is_list then
    errors.raise("InvalidRequestError", "DELETE of %s takes no list of rows: say which by criteria, such as %s.id:in_(list), or send it "
      .. "without objects, with session:connection():execute(statement, rows)", name, name)
  elseif kind == "update" and is_list and memory.ordered_values then
    errors.raise("InvalidRequestError", "UPDATE of %s by a list of rows sets what each row names: it takes no ordered_values()", name)
  elseif kind == "insert" and (memory.on_conflict_do_nothing or memory.on_conflict_do_update) and #memory.mapper.tables > 1 then
    errors.raise("InvalidRequestError", "INSERT of %s goes into %d tables: it takes no ON CONFLICT", name, #memory.mapper.tables)
  end
  return found
end

return M
