--- Frames of windows: from where to where the rows around the current one reach.

local base = require("lualchemy.sql.base")
local class = require("lualchemy.util.class")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local types = require("lualchemy.types")

local M = {}

--- What a bound of a frame is: without an end, the current row, so far before it or behind it.
M.FrameClauseType = { UNBOUNDED = "UNBOUNDED", CURRENT = "CURRENT", PRECEDING = "PRECEDING", FOLLOWING = "FOLLOWING" }

-- Of the core's nodes (expr/node.h).
local NUMBER = { UNBOUNDED = 0, CURRENT = 1, PRECEDING = 2, FOLLOWING = 3 }
local FRAMES = { { "range_", 1 }, { "rows", 2 }, { "groups", 3 } }
local EXCLUDE = { ["CURRENT ROW"] = true, GROUP = true, TIES = true, ["NO OTHERS"] = true }

--- `sa.FrameClause(sa.interval{ days = 1 }, nil, sa.FrameClauseType.PRECEDING, sa.FrameClauseType.UNBOUNDED)`, for
--- `over{ range_ = frame }`: bounds of any type, where a pair of numbers does not do.
---@class lualchemy.FrameClause
---@field lower_bind lualchemy.BindParameter?
---@field upper_bind lualchemy.BindParameter?
---@field lower_type string
---@field upper_type string
local FrameClause = class("FrameClause")
M.FrameClause = FrameClause

local function bind_of(value, kind, what)
  if not NUMBER[kind] then
    errors.raise("ArgumentError", "the type of a frame's %s is one of sa.FrameClauseType, not %s", what, tostring(kind))
  end
  local needs = kind == "PRECEDING" or kind == "FOLLOWING"
  if value ~= nil and not needs then
    errors.raise("ArgumentError", "Cannot specify a value for %s with frame type %s", what, kind)
  end
  if value == nil and needs then errors.raise("ArgumentError", "a frame's %s of type %s needs a value", what, kind) end
  if value == nil or core.kind(value) then return value end
  local type_ = math.type(value) == "integer" and types.to_instance(types.Integer)._type or nil
  return core.bind(nil, true, value, type_, 1)
end

function FrameClause:init(lower, upper, lower_type, upper_type)
  if lower == core.null then lower = nil end
  if upper == core.null then upper = nil end
  self.lower_bind, self.upper_bind = bind_of(lower, lower_type, "start"), bind_of(upper, upper_type, "end")
  self.lower_type, self.upper_type = lower_type, upper_type
end

-- A bound of a pair: nil (or sa.null) is unbounded, 0 the current row, -n preceding, n following.
local function bound(value)
  if value == nil or value == core.null then return nil, "UNBOUNDED" end
  if type(value) ~= "number" then
    errors.raise("ArgumentError", "a bound of a window frame is a number or nil, got %s; other values take a sa.FrameClause", tostring(value))
  end
  if value == 0 then return nil, "CURRENT" end
  return value < 0 and -value or value, value < 0 and "PRECEDING" or "FOLLOWING"
end

local function of_pair(name, given)
  if type(given) ~= "table" or getmetatable(given) ~= nil then
    errors.raise("ArgumentError", "%s takes a pair { from, to } or a sa.FrameClause", name)
  end
  local lower, lower_type = bound(given[1])
  local upper, upper_type = bound(given[2])
  if lower_type == upper_type and lower and given[1] > given[2] then
    errors.raise("ArgumentError", "the frame %s starts behind its end", name)
  end
  return FrameClause(lower, upper, lower_type, upper_type)
end

local function check_exclude(exclude, has_frame)
  if exclude == nil then return nil end
  local word = tostring(exclude):upper()
  if not EXCLUDE[word] then errors.raise("ArgumentError", "a frame cannot exclude '%s'", tostring(exclude)) end
  if not has_frame then
    errors.raise("ArgumentError", "'exclude' requires that one of 'rows', 'range_', or 'groups' is also specified")
  end
  return word
end

--- `element OVER (PARTITION BY ... ORDER BY ... frame)`.
function M.over(element, options)
  options = options or {}
  base.check_options("over{}", "partition_by order_by rows range_ groups exclude", options)
  local kind, frame = 0, nil
  for _, item in ipairs(FRAMES) do
    local given = options[item[1]]
    if given ~= nil then
      if frame then errors.raise("ArgumentError", "only one of 'rows', 'range_', or 'groups' may be provided") end
      kind, frame = item[2], FrameClause:is(given) and given or of_pair(item[1], given)
    end
  end
  local exclude = check_exclude(options.exclude, frame ~= nil)
  return core.over(element, options.partition_by ~= nil and core.ordering(base.list(options.partition_by), "partition_by") or nil,
    options.order_by ~= nil and core.ordering(base.list(options.order_by), "order_by") or nil,
    kind, NUMBER[frame and frame.lower_type or "UNBOUNDED"], frame and frame.lower_bind, NUMBER[frame and frame.upper_type or "UNBOUNDED"],
    frame and frame.upper_bind, exclude)
end

--- Getters of a window: its frame under the name it was given by, nil under the others.
function M.frame_getter(name)
  local function read(over, field)
    local value, precedes = core.get(over, field)
    if value == nil then return nil, "UNBOUNDED" end
    if value == 0 then return nil, "CURRENT" end
    return value, precedes and "PRECEDING" or "FOLLOWING"
  end
  return function(over)
    if core.get(over, "frame") ~= name then return nil end
    local lower, lower_type = read(over, "lower")
    local upper, upper_type = read(over, "upper")
    return FrameClause(lower, upper, lower_type, upper_type)
  end
end

return M
