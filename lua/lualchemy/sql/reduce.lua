--- `select:reduce_columns()`: a SELECT without the columns that repeat others.

local base = require("lualchemy.sql.base")
local core = require("lualchemy._core")
local select_ = require("lualchemy.sql.select")

local Select = select_.Select

local function same_name(a, b, needed) return not needed or a.name == b.name end

-- Does a foreign key of the column, or of one it comes from, refer to another of them?
local function repeats(column, others, only_synonyms)
  for _, key in ipairs(column.foreign_keys) do
    for _, other in ipairs(others) do
      if not core.same(other, column) and other:shares_lineage(key.column) and same_name(other, column, only_synonyms) then return true end
    end
  end
  return false
end

-- Calls fn(left, right) for each comparison of two columns by "=" in an expression.
local function each_equation(expression, fn)
  if core.kind(expression) == "binary" and expression.operator == "eq" and core.kind(expression.left) == "column"
    and core.kind(expression.right) == "column" then
    fn(expression.left, expression.right)
  end
  for _, child in ipairs(core.children(expression)) do each_equation(child, fn) end
end

local function is_among(columns, omitted, wanted)
  for i, column in ipairs(columns) do
    for _, origin in ipairs(not omitted[i] and column.proxy_set or {}) do
      if core.same(origin, wanted) then return true end
    end
  end
  return false
end

-- What criteria say is equal: the last of the columns that stands for the right side is left out.
local function omit_equal(columns, omitted, clause, only_synonyms)
  each_equation(clause, function(left, right)
    if not (is_among(columns, omitted, left) and is_among(columns, omitted, right)) then return end
    for i = #columns, 1, -1 do
      if columns[i]:shares_lineage(right) and same_name(columns[i], left, only_synonyms) then
        omitted[i] = true
        return
      end
    end
  end)
end

--- Without the columns that a foreign key, a criterion or the ON of a join makes equal to another one that is selected.
---@param options table?  { only_synonyms = false }: also where the two have different names
---@return lualchemy.Select
function Select:reduce_columns(options)
  if type(options) == "boolean" then options = { only_synonyms = options } end
  base.check_options("reduce_columns()", "only_synonyms", options or {})
  local only_synonyms = not options or options.only_synonyms ~= false
  local all, columns, omitted, kept = core.from_columns(self), {}, {}, {}
  for _, column in ipairs(all) do
    if core.kind(column) ~= "text" then columns[#columns + 1] = column end
  end
  for i, column in ipairs(columns) do omitted[i] = repeats(column, columns, only_synonyms) end
  for _, clause in ipairs(core.get(self, "where")) do omit_equal(columns, omitted, clause, only_synonyms) end
  for _, from in ipairs(core.froms(self)) do
    if core.kind(from) == "join" then omit_equal(columns, omitted, from, only_synonyms) end
  end
  local at = 0
  for _, column in ipairs(all) do
    local is_text = core.kind(column) == "text"
    if not is_text then at = at + 1 end
    if is_text or not omitted[at] then kept[#kept + 1] = column end
  end
  return self:with_only_columns(table.unpack(kept))
end

return {}
