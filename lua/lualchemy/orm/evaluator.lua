--- Criteria and values looked at without the database: what an UPDATE or DELETE of many rows does to the objects that are
-- in memory. SQL's logic of three values holds; a fourth says that memory cannot tell.
--
-- Only what means the same in every database is evaluated: equality of values of one kind, order of numbers and of
-- dates, arithmetic on numbers. Collations make order of texts the database's own business.

local core = require("lualchemy._core")

local M = {}

--- An outcome that is not known here: an attribute is not loaded, or the database may see it differently.
M.UNKNOWN = setmetatable({}, { __tostring = function() return "UNKNOWN" end })

local UNKNOWN, NULL = M.UNKNOWN, core.null
local visitors = {}

---@alias lualchemy.orm.Evaluate fun(object: table): any   a value, core.null, or UNKNOWN

-- A function of an object, or nil and what it is that cannot be evaluated.
local function compile(mapper, node, params)
  local visit = visitors[core.kind(node)]
  if not visit then return nil, core.kind(node) end
  return visit(mapper, node, params)
end

local function constant(value)
  return function() return value end
end

visitors["null"] = function() return constant(NULL) end
visitors["true"] = function() return constant(true) end
visitors["false"] = function() return constant(false) end

function visitors.grouping(mapper, node, params) return compile(mapper, core.get(node, "element"), params) end

function visitors.bind(_, node, params)
  local key, value = not core.get(node, "unique") and core.get(node, "key"), nil
  if key and params then value = params[key] end
  if value == nil then value = core.get(node, "value") end
  return constant(value == nil and NULL or value)
end

function visitors.column(mapper, node)
  local prop = mapper:property_for_column(node)
  if not prop or prop.kind ~= "column" then return nil, "a column of another table" end
  local key = prop.key
  return function(object)
    local value, known = core.peek(object, key)
    if not known then return UNKNOWN end
    return value == nil and NULL or value
  end
end

-- -- logic --------------------------------------------------------------------------------------------------------

local function compile_all(mapper, nodes, params)
  local list = {}
  for i, node in ipairs(nodes) do
    local evaluate, why = compile(mapper, node, params)
    if not evaluate then return nil, why end
    list[i] = evaluate
  end
  return list
end

-- AND and OR: `deciding` settles it whatever the others are; what is not known outweighs NULL.
local function junction(list, deciding)
  return function(object)
    local result = not deciding
    for _, evaluate in ipairs(list) do
      local value = evaluate(object)
      if value == deciding then return deciding end
      if value == UNKNOWN then result = UNKNOWN elseif value == NULL and result ~= UNKNOWN then result = NULL end
    end
    return result
  end
end

local deciding_value = { AND = false, OR = true }

function visitors.list(mapper, node, params)
  local deciding = deciding_value[core.get(node, "op")]
  if deciding == nil then return nil, "a list" end
  local list, why = compile_all(mapper, core.children(node), params)
  return list and junction(list, deciding), why
end

local function opposite(value)
  if type(value) == "boolean" then return not value end
  return value == NULL and NULL or UNKNOWN
end

local unary = {
  NOT = opposite,
  NEG = function(value) return type(value) == "number" and -value or value == NULL and NULL or UNKNOWN end,
}

function visitors.unary(mapper, node, params)
  local apply, op = unary[core.get(node, "op")], core.get(node, "op")
  if not apply then return nil, op end
  local evaluate, why = compile(mapper, core.get(node, "element"), params)
  return evaluate and function(object) return apply(evaluate(object)) end, why
end

-- -- two operands -------------------------------------------------------------------------------------------------

-- Values of one kind, or of two kinds that databases compare by rules of their own, as they do NaN?
local function comparable(a, b)
  if a ~= a or b ~= b then return false end
  return type(a) == type(b) and (type(a) ~= "userdata" or getmetatable(a) == getmetatable(b)) and type(a) ~= "table"
end

local function ordered(compare)
  return function(a, b)
    if not comparable(a, b) or type(a) == "string" or type(a) == "boolean" then return UNKNOWN end
    return compare(a, b)
  end
end

local function equal(a, b)
  if not comparable(a, b) then return UNKNOWN end
  return a == b
end

-- Integers that leave their 64 bits are floats to one database and an error to the other.
local function arithmetic(apply)
  return function(a, b)
    if math.type(a) == nil or math.type(a) ~= math.type(b) then return UNKNOWN end
    if math.type(a) == "integer" and math.abs(apply(a + 0.0, b + 0.0)) >= 2 ^ 63 then return UNKNOWN end
    return apply(a, b)
  end
end

-- With NULL on either side these are NULL.
local strict = {
  EQ = equal,
  NE = function(a, b) return opposite(equal(a, b)) end,
  LT = ordered(function(a, b) return a < b end),
  LE = ordered(function(a, b) return a <= b end),
  GT = ordered(function(a, b) return a > b end),
  GE = ordered(function(a, b) return a >= b end),
  ADD = arithmetic(function(a, b) return a + b end),
  SUB = arithmetic(function(a, b) return a - b end),
  MUL = arithmetic(function(a, b) return a * b end),
  CONCAT = function(a, b) return type(a) == "string" and type(b) == "string" and a .. b or UNKNOWN end,
}

local function is_same(a, b)
  if a == NULL or b == NULL then return a == b end
  return equal(a, b)
end

-- These take NULL for a value.
local total = {
  IS = is_same,
  IS_NOT = function(a, b) return opposite(is_same(a, b)) end,
  IS_NOT_DISTINCT = is_same,
  IS_DISTINCT = function(a, b) return opposite(is_same(a, b)) end,
}

-- x IN (list): like equalities joined by OR, so NULL in the list makes "not found" NULL.
local function is_in(value, items)
  if items.n == 0 then return false end
  if value == NULL then return NULL end
  local result = false
  for i = 1, items.n do
    local item = items[i]
    local same = item == nil and NULL or equal(value, item)
    if same == true then return true end
    if same == UNKNOWN then result = UNKNOWN elseif same == NULL and result ~= UNKNOWN then result = NULL end
  end
  return result
end

local function membership(mapper, node, params, negated)
  local right = core.get(node, "right")
  local items = core.kind(right) == "bind" and core.get(right, "items")
  if not items then return nil, "IN of something that is no list of values" end
  local left, why = compile(mapper, core.get(node, "left"), params)
  if not left then return nil, why end
  return function(object)
    local value = left(object)
    if value == UNKNOWN then return UNKNOWN end
    local found = is_in(value, items)
    return negated and opposite(found) or not negated and found
  end
end

function visitors.binary(mapper, node, params)
  local op = core.get(node, "op")
  if op == "IN" or op == "NOT_IN" then return membership(mapper, node, params, op == "NOT_IN") end
  local apply = strict[op] or total[op]
  if not apply then return nil, op end
  local sides, why = compile_all(mapper, { core.get(node, "left"), core.get(node, "right") }, params)
  if not sides then return nil, why end
  local is_strict = strict[op] ~= nil
  return function(object)
    local a, b = sides[1](object), sides[2](object)
    if a == UNKNOWN or b == UNKNOWN then return UNKNOWN end
    if is_strict and (a == NULL or b == NULL) then return NULL end
    return apply(a, b)
  end
end

--- A function that says what an expression comes to for an object of the mapper: a value, core.null, or UNKNOWN.
--- nil, and what stands in the way, when it can only be known by the database.
---@param mapper lualchemy.orm.Mapper
---@param expression any
---@param params table?   values of named parameters
---@return lualchemy.orm.Evaluate?
---@return string? why
function M.compile(mapper, expression, params) return compile(mapper, expression, params) end

--- The same for criteria that all must hold.
---@param mapper lualchemy.orm.Mapper
---@param criteria any[]
---@param params table?
function M.all(mapper, criteria, params)
  local list, why = compile_all(mapper, criteria, params)
  return list and junction(list, false), why
end

return M
