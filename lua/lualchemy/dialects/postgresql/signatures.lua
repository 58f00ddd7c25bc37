--- What PostgreSQL's own functions and values take, where they do not check it by themselves.

local core = require("lualchemy._core")
local exclude = require("lualchemy.dialects.postgresql.exclude")
local range = require("lualchemy.dialects.postgresql.range")
local signature = require("lualchemy.signature")
local sql = require("lualchemy.sql")

signature.kind("range", "a Range", function(x) return range.Range:is(x) end)
signature.kind("from_table", "a table", function(x) return core.kind(x) ~= nil or type(x) == "table" end)

signature.methods(range.Range, {
  init = "lower: any?, upper: any?, options: options?",
  contained_by = "range: range",
  strictly_left_of = "range: range",
  strictly_right_of = "range: range",
  overlaps = "range: range",
  intersection = "range: range",
  adjacent_to = "range: range",
  difference = "range: range",
  not_extend_left_of = "range: range",
  not_extend_right_of = "range: range",
  union = "range: range",
})
signature.methods(range.MultiRange, { init = "ranges: list?" })
signature.methods(exclude)
-- The operators that this dialect adds to expressions.
signature.methods(sql.ColumnElement)

--- For the functions of the dialect's module.
---@param module table
return function(module)
  signature.functions(module, { array = "items: list, options: options?", Any = "other: any?, array: any, options: options?",
    All = "other: any?, array: any, options: options?", dialect = "options: options?" })
end
