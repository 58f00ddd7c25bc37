--- Ranges and multiranges: `pg.Range(1, 10)`, `pg.Range(lo, hi, { bounds = "[]" })`, `pg.MultiRange{ range, ... }`.
-- A bound that is nil (or `sa.null`) is open to that side. Ranges of whole numbers and of dates are equal when they hold
-- the same, as PostgreSQL has it: [1,4] is [1,5). They never change.

local base = require("lualchemy.types.base")
local class = require("lualchemy.util.class")
local core = require("lualchemy._core")
local datetime = require("lualchemy.types.datetime")
local errors = require("lualchemy.errors")
local numeric = require("lualchemy.types.numeric")

local M = {}

local BOUNDS = { ["[)"] = true, ["(]"] = true, ["[]"] = true, ["()"] = true }

---@class lualchemy.postgresql.Range
---@field lower any      nil: no lower bound
---@field upper any
---@field bounds string  "[)", "(]", "[]" or "()"
---@field empty boolean
---@field isempty boolean    the same
---@field lower_inc boolean  is the bound one of its values?
---@field upper_inc boolean
---@field lower_inf boolean  has it no bound on that side?
---@field upper_inf boolean
local Range = class("Range")
M.Range = Range

local function given(x)
  if x == core.null then return nil end
  return x
end

---@param lower any
---@param upper any
---@param options table?  { bounds = "[)", empty = true }
function Range:init(lower, upper, options)
  options = options or {}
  self.lower, self.upper, self.bounds, self.empty = given(lower), given(upper), options.bounds or "[)", options.empty == true
  if not BOUNDS[self.bounds] then
    errors.raise("ArgumentError", "Range: bounds are one of '[)', '(]', '[]', '()', not '%s'", tostring(self.bounds))
  end
  if self.empty and (self.lower ~= nil or self.upper ~= nil) then
    errors.raise("ArgumentError", "Range: an empty range has no bounds")
  end
  self.isempty = self.empty
  self.lower_inc, self.upper_inc = not self.empty and self.bounds:sub(1, 1) == "[", not self.empty and self.bounds:sub(2) == "]"
  self.lower_inf, self.upper_inf = not self.empty and self.lower == nil, not self.empty and self.upper == nil
end

-- Comparing -----------------------------------------------------------------------------------------------------------

-- What comes next where there is a next one: whole numbers and dates.
local function after(x)
  if math.type(x) == "integer" then return x < math.maxinteger and x + 1 or nil end
  if core.value_kind(x) == "date" then return x + core.interval{ days = 1 } end
  return nil
end

local function is_less(a, b) return a < b end

local function less(a, b)
  local ok, result = pcall(is_less, a, b)
  if not ok then
    errors.raise("ArgumentError", "Range: %s and %s cannot be compared: a range has bounds of one type", tostring(a), tostring(b))
  end
  return result
end

-- The form in which equal ranges are equal: [lower, upper) where values have a next one.
local function canonical(self)
  local lower, upper, from, to = self.lower, self.upper, self.bounds:sub(1, 1), self.bounds:sub(2)
  if lower == nil then
    from = "("
  elseif from == "(" and after(lower) ~= nil then
    lower, from = after(lower), "["
  end
  if upper == nil then
    to = ")"
  elseif to == "]" and after(upper) ~= nil then
    upper, to = after(upper), ")"
  end
  return lower, upper, from, to
end

--- Does it hold nothing?
---@return boolean
function Range:is_empty()
  if self.empty then return true end
  local lower, upper, from, to = canonical(self)
  if lower == nil or upper == nil or less(lower, upper) then return false end
  return less(upper, lower) or not (from == "[" and to == "]")
end

function Range.__eq(a, b)
  if not (Range:is(a) and Range:is(b)) then return false end
  if a:is_empty() or b:is_empty() then return a:is_empty() and b:is_empty() end
  local lower, upper, from, to = canonical(a)
  local other_lower, other_upper, other_from, other_to = canonical(b)
  return lower == other_lower and upper == other_upper and from == other_from and to == other_to
end

-- Does a begin where b does, or before?
local function begins_first(a, b)
  local lower, _, from = canonical(a)
  local other, _, other_from = canonical(b)
  if lower == nil or other == nil then return lower == nil end
  return less(lower, other) or lower == other and (from == "[" or other_from == "(")
end

local function ends_last(a, b)
  local _, upper, _, to = canonical(a)
  local _, other, _, other_to = canonical(b)
  if upper == nil or other == nil then return upper == nil end
  return less(other, upper) or upper == other and (to == "]" or other_to == ")")
end

--- Is everything of a range, or one value, in this one?
---@param x any
---@return boolean
function Range:contains(x)
  if not Range:is(x) then x = Range(x, x, { bounds = "[]" }) end
  if x:is_empty() then return true end
  return not self:is_empty() and begins_first(self, x) and ends_last(self, x)
end

function Range:contained_by(other) return other:contains(self) end

--- Does it end before the other begins?
---@return boolean
function Range:strictly_left_of(other)
  if self:is_empty() or other:is_empty() then return false end
  local _, upper, _, to = canonical(self)
  local lower, _, from = canonical(other)
  if upper == nil or lower == nil then return false end
  return less(upper, lower) or upper == lower and not (to == "]" and from == "[")
end

function Range:strictly_right_of(other) return other:strictly_left_of(self) end

--- Have they something in common?
---@return boolean
function Range:overlaps(other)
  return not (self:is_empty() or other:is_empty() or self:strictly_left_of(other) or other:strictly_left_of(self))
end

--- What they have in common.
---@return lualchemy.postgresql.Range
function Range:intersection(other)
  if not self:overlaps(other) then return Range(nil, nil, { empty = true }) end
  local first = begins_first(self, other) and other or self
  local last = ends_last(self, other) and other or self
  return Range(first.lower, last.upper, { bounds = first.bounds:sub(1, 1) .. last.bounds:sub(2) })
end

--- Does it begin nowhere before the other does?
---@return boolean
function Range:not_extend_left_of(other)
  return not (self:is_empty() or other:is_empty()) and begins_first(other, self)
end

--- Does it end nowhere behind the other?
---@return boolean
function Range:not_extend_right_of(other)
  return not (self:is_empty() or other:is_empty()) and ends_last(other, self)
end

-- Does b begin where a ends, with nothing between them and nothing in common?
local function meets(a, b)
  local _, upper, _, to = canonical(a)
  local lower, _, from = canonical(b)
  return upper ~= nil and lower ~= nil and upper == lower and (to == "]") ~= (from == "[")
end

--- Do they meet without having anything in common?
---@return boolean
function Range:adjacent_to(other)
  return not (self:is_empty() or other:is_empty()) and (meets(self, other) or meets(other, self))
end

--- Both as one range; `a + b` is the same. They must overlap or meet.
---@return lualchemy.postgresql.Range
function Range:union(other)
  if self:is_empty() then return other end
  if other:is_empty() then return self end
  if not (self:overlaps(other) or self:adjacent_to(other)) then
    errors.raise("NotImplementedError", "%s and %s are no one range: between them there is something", tostring(self), tostring(other))
  end
  local first = begins_first(self, other) and self or other
  local last = ends_last(self, other) and self or other
  return Range(first.lower, last.upper, { bounds = first.bounds:sub(1, 1) .. last.bounds:sub(2) })
end

--- This one without the other; `a - b` is the same. What is left must be one range.
---@return lualchemy.postgresql.Range
function Range:difference(other)
  if not self:overlaps(other) then return self end
  local left, right = not begins_first(other, self), not ends_last(other, self)
  if left and right then
    errors.raise("NotImplementedError", "%s without %s are two ranges", tostring(self), tostring(other))
  end
  if left then
    return Range(self.lower, other.lower, { bounds = self.bounds:sub(1, 1) .. (other.bounds:sub(1, 1) == "[" and ")" or "]") })
  end
  if right then
    return Range(other.upper, self.upper, { bounds = (other.bounds:sub(2) == "]" and "(" or "[") .. self.bounds:sub(2) })
  end
  return Range(nil, nil, { empty = true })
end

-- `a + b`, `a - b`, `a * b`
local function operator(name)
  return function(a, b)
    if not (Range:is(a) and Range:is(b)) then
      errors.raise("ArgumentError", "Range: %s() is of two ranges, not of %s and %s", name, tostring(a), tostring(b))
    end
    return Range[name](a, b)
  end
end
Range.__add, Range.__sub, Range.__mul = operator("union"), operator("difference"), operator("intersection")

-- Text ----------------------------------------------------------------------------------------------------------------

local function bound_text(x)
  if x == nil then return "" end
  local text = tostring(x)
  if text ~= "" and not text:find('[%[%](),"\\%s]') then return text end
  return '"' .. text:gsub('["\\]', "\\%0") .. '"'
end

-- write: a bound's value as what stands for it.
local function range_text(range, write)
  if range.empty then return "empty" end
  local lower, upper = range.lower, range.upper
  if write then
    if lower ~= nil then lower = write(lower) end
    if upper ~= nil then upper = write(upper) end
  end
  return range.bounds:sub(1, 1) .. bound_text(lower) .. "," .. bound_text(upper) .. range.bounds:sub(2)
end

--- As PostgreSQL writes it: `[1,10)`.
function Range:__tostring() return range_text(self) end

local function malformed(text) errors.raise("DataError", "range text is malformed: %s", text) end

-- One bound from a position on: its text (nil: none), and where it ends.
local function read_bound(text, at)
  if text:byte(at) ~= 34 then
    local plain = text:match("^[^,%])]*", at)
    return plain ~= "" and plain or nil, at + #plain
  end
  local out = {}
  at = at + 1
  while true do
    local stop = text:find('["\\]', at)
    if not stop then malformed(text) end
    out[#out + 1] = text:sub(at, stop - 1)
    local two = text:sub(stop, stop + 1)
    if two ~= '""' and two:sub(1, 1) == '"' then return table.concat(out), stop + 1 end
    out[#out + 1] = two:sub(2)
    at = stop + 2
  end
end

-- The range that begins at a position, and where the next thing begins.
local function read_range(text, at, read)
  if text:find("^empty", at) then return Range(nil, nil, { empty = true }), at + 5 end
  local from = text:match("^[%[(]", at) or malformed(text)
  local lower, upper
  lower, at = read_bound(text, at + 1)
  if text:byte(at) ~= 44 then malformed(text) end
  upper, at = read_bound(text, at + 1)
  local to = text:match("^[%])]", at) or malformed(text)
  return Range(lower and read(lower), upper and read(upper), { bounds = from .. to }), at + 1
end

-- Multiranges -----------------------------------------------------------------------------------------------------------

--- A list of ranges: `pg.MultiRange{ pg.Range(1, 3), pg.Range(5, 8) }`.
---@class lualchemy.postgresql.MultiRange
local MultiRange = class("MultiRange")
M.MultiRange = MultiRange

---@param ranges lualchemy.postgresql.Range[]
function MultiRange:init(ranges)
  for i, range in ipairs(ranges or {}) do
    if not Range:is(range) then errors.raise("ArgumentError", "MultiRange: element %d is no Range", i) end
    self[i] = range
  end
end

function MultiRange.__eq(a, b)
  if not (MultiRange:is(a) and MultiRange:is(b)) or #a ~= #b then return false end
  for i = 1, #a do
    if a[i] ~= b[i] then return false end
  end
  return true
end

local function multirange_text(ranges, write)
  local parts = {}
  for i, range in ipairs(ranges) do
    if not Range:is(range) then errors.raise("DataError", "a multirange holds ranges; its element %d is none", i) end
    parts[i] = range_text(range, write)
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

function MultiRange:__tostring() return multirange_text(self) end

local function read_multirange(text, read)
  local ranges, at = {}, 2
  if text:byte(1) ~= 123 then malformed(text) end
  while text:byte(at) ~= 125 do
    ranges[#ranges + 1], at = read_range(text, at, read)
    if text:byte(at) == 44 then at = at + 1 end
    if at > #text then malformed(text) end
  end
  return MultiRange(ranges)
end

-- Types -----------------------------------------------------------------------------------------------------------------

-- What the bounds are, by the beginning of the type's name.
local OF = {
  INT4 = base.to_instance(numeric.Integer), INT8 = base.to_instance(numeric.BigInteger), NUM = base.to_instance(numeric.Numeric),
  DATE = base.to_instance(datetime.Date), TS = base.to_instance(datetime.DateTime), TSTZ = datetime.DateTime{ timezone = true },
}

-- Ranges as sets: methods of expressions of these types.
local SETS = {
  union = core.operators.ADD, intersection = core.operators.MUL, difference = core.operators.SUB,
}

--- What a class of range types has besides its name: how its values are written and read.
---@param name string  "INT4RANGE", "TSMULTIRANGE"
---@return table
function M.members(name)
  local prefix, multi = name:match("^(.-)(MULTI)RANGE$")
  prefix = prefix or name:match("^(.-)RANGE$")
  local of = OF[prefix]._type
  local function write(x) return (select(2, core.type_bind(of, "postgresql", x, name))) end
  local function read(text) return core.type_read(of, "postgresql", text, name) end
  local members = { comparator_factory = SETS }
  function members:process_bind_param(value)
    if type(value) ~= "table" then return value end     -- its text
    if multi then return multirange_text(Range:is(value) and { value } or value, write) end
    if not Range:is(value) then errors.raise("DataError", "%s takes a pg.Range, or its text", name) end
    return range_text(value, write)
  end
  function members:process_result_value(text)
    if type(text) ~= "string" then return text end
    if multi then return read_multirange(text, read) end
    return (read_range(text, 1, read))
  end
  return members
end

-- A value says itself what type it is where nothing else does (binding/expr_conv.c).
local function type_of(range, suffix)
  local x = range.lower
  if x == nil then x = range.upper end
  local kind = core.value_kind(x) or math.type(x)
  local prefix = ({ decimal = "NUM", float = "NUM", date = "DATE", datetime = "TS" })[kind]
  if kind == "integer" then
    prefix = (x >= -0x80000000 and x <= 0x7fffffff) and "INT4" or "INT8"
  elseif kind == "datetime" and x.tz then
    prefix = "TSTZ"
  end
  return prefix and require("lualchemy.dialects.postgresql.types")[prefix .. suffix]
end

--- A range beside a column of a range type is of that type, a multirange of its multirange type.
---@param beside string?  the type that the expression beside it has, when it is a dialect's own
function Range:__sql_type(beside)
  if beside and beside:find("RANGE$") then return nil end
  return type_of(self, "RANGE")
end

function MultiRange:__sql_type(beside)
  if beside and beside:find("MULTIRANGE$") then return nil end
  local of = beside and beside:match("^(.+)RANGE$")
  if of then return require("lualchemy.dialects.postgresql.types")[of .. "MULTIRANGE"] end
  return self[1] and type_of(self[1], "MULTIRANGE")
end

return M
