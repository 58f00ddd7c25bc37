--- Clauses of a program's own inside the library's statements: `stmt:ext(Qualify(...))`.

local base = require("lualchemy.sql.base")
local core = require("lualchemy._core")
local dml = require("lualchemy.sql.dml")
local errors = require("lualchemy.errors")
local select_ = require("lualchemy.sql.select")

local M = {}

--- A clause that knows where in a statement it stands. Its class says so for the statements that take it, and
--- `sa.compiles` what it is in SQL:
---
---     local Qualify = sa.SyntaxExtension:extend("Qualify", {
---       apply_to_select = function(self, stmt)
---         return stmt:apply_syntax_extension_point(function(existing) return self:append_replacing_same_type(existing) end, "post_criteria")
---       end,
---     })
---     sa.compiles(Qualify, function(element, compiler) return "QUALIFY " .. compiler:process(element.clauses[1]) end)
---@class lualchemy.SyntaxExtension: lualchemy.ClauseElement
local SyntaxExtension = base.ClauseElement:extend("SyntaxExtension")
M.SyntaxExtension = SyntaxExtension

local function refuse(statement)
  return function(self)
    errors.raise("NotImplementedError", "Extension %s cannot be applied to %s", getmetatable(self).__name, statement)
  end
end
for _, name in ipairs { "select", "insert", "update", "delete" } do SyntaxExtension["apply_to_" .. name] = refuse(name) end

--- These clauses without those of this one's class, and this one behind them.
---@param existing lualchemy.ClauseElement[]
---@return lualchemy.ClauseElement[]
function SyntaxExtension:append_replacing_same_type(existing)
  local class, list = getmetatable(self), {}
  for _, clause in ipairs(existing) do
    if getmetatable(clause) ~= class then list[#list + 1] = clause end
  end
  list[#list + 1] = self
  return list
end

-- A statement with the clauses that `fn` makes of those it has at the position.
local function extend_at(self, fn, position, positions)
  local known = false
  for _, name in ipairs(positions) do known = known or name == position end
  if not known then
    errors.raise("ArgumentError", "Unknown position '%s' for %s construct; known positions: %s", tostring(position),
      getmetatable(self).__name, table.concat(positions, ", "))
  end
  local here, others = {}, {}
  for _, item in ipairs(core.statement_extensions(self)) do
    if item[1] == position then
      here[#here + 1] = item[2]
    else
      others[#others + 1] = core.hint(item[2], item[1])
    end
  end
  local made = fn(here)
  if type(made) ~= "table" then
    errors.raise("ArgumentError", "apply_syntax_extension_point(): the function returns the list of clauses, not a %s", type(made))
  end
  for _, clause in ipairs(made) do others[#others + 1] = core.hint(clause, position) end
  return core.statement_extend(self, table.unpack(others))
end

local statements = {
  { select_.Select, "apply_to_select", { "post_select", "pre_columns", "post_criteria", "post_body" } },
  { dml.Insert, "apply_to_insert", { "post_values" } },
  { dml.Update, "apply_to_update", { "post_criteria" } },
  { dml.Delete, "apply_to_delete", { "post_criteria" } },
}
for _, statement in ipairs(statements) do
  local class, method, positions = table.unpack(statement)

  --- For the methods of a SyntaxExtension: the statement with what `fn(existing)` makes of the clauses it has at a position.
  ---@param fn fun(existing: lualchemy.ClauseElement[]): lualchemy.ClauseElement[]
  ---@param position string
  function class:apply_syntax_extension_point(fn, position) return extend_at(self, fn, position, positions) end

  --- The statement with a clause of a dialect's or a program's own: `:ext(pg.distinct_on(t.c.x))`.
  function class:ext(extension)
    if type(extension) == "table" and type(rawget(extension, "_extend")) == "function" then return extension._extend(self) end
    if not SyntaxExtension:is(extension) then
      errors.raise("ArgumentError", "ext() takes a clause of a dialect's own such as pg.distinct_on(t.c.x), or a SyntaxExtension, not %s",
        type(extension))
    end
    return extension[method](extension, self)
  end
end

return M
