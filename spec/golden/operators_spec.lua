--- The operators of columns that belong to some types only, and those that other golden rows do not execute.
local sa = require("lualchemy")
local golden = require("spec.support.golden")
local pg = require("lualchemy.dialects.postgresql")

local p = golden.person.c
local executions = golden.executions(_ENV)
local r, m = pg.Range, pg.MultiRange

executions("operators of numbers and texts", {
  { "NOT BETWEEN", function() return p.id:not_between(1, 2) end, ids = { 3 } },
  { "a power", function() return p.age ^ 2 end, value = 900 },
  { "shifts", function() return (p.id << 3) + (p.age >> 1) end, value = 23 },
  { "an operator by its text", function() return p.age:op("%")(7) end, value = 2 },
  { "one that is a criterion", function() return p.name:bool_op("LIKE")("e%") end, ids = { 1 } },
  { "NULL first, by the method", function() return sa.select(p.id):order_by(p.age:nulls_first()) end, rows = { { 3 }, { 2 }, { 1 } } },
  { "a parameter that is written out", function() return p.id:eq(sa.bindparam("n", 2):render_literal_execute()) end, ids = { 2 } },
  { "full text search", function() return p.name:match("ed") end, ids = { 1 },
    only = "postgresql", refused = { "OperationalError", "unable to use function MATCH" } },
})

local pair = sa.tuple_(p.id, p.age)

executions("comparisons of tuples", {
  { "equal", function() return pair:eq { 1, 30 } end, ids = { 1 } },
  { "not equal", function() return pair:ne { 1, 30 } end, ids = { 2, 3 } },
  { "less", function() return pair:lt { 2, 20 } end, ids = { 1 } },
  { "less or equal", function() return pair:le { 2, 25 } end, ids = { 1, 2 } },
  { "greater", function() return pair:gt { 2, 20 } end, ids = { 2, 3 } },
  { "greater or equal", function() return pair:ge { 2, 25 } end, ids = { 2, 3 } },
  { "distinct", function() return pair:is_distinct_from { 1, 30 } end, ids = { 2, 3 }, only = "postgresql" },
  { "not distinct", function() return pair:is_not_distinct_from { 1, 30 } end, ids = { 1 }, only = "postgresql" },
})

local document = sa.literal({ a = { 5, 6 }, b = { c = "x" }, n = 2.5, yes = true, null = sa.null }, sa.JSON)

executions("operators of JSON", {
  { "a key and an index", function() return document:at("a"):at(1) end, value = 6 },
  { "an index in brackets", function() return document:at("a")[0] end, value = 5 },
  { "a path", function() return document:at { "b", "c" } end, value = "x" },
  { "as text", function() return document:at { "b", "c" }:as_string() end, value = "x" },
  { "as an integer", function() return document:at { "a", 0 }:as_integer() end, value = 5 },
  { "as a float", function() return document:at("n"):as_float() end, value = 2.5 },
  { "as a number of so many digits", function() return document:at("n"):as_numeric(10, 2) end, value = sa.decimal("2.50") },
  { "as a truth value", function() return document:at("yes"):as_boolean() end, value = true },
  { "as JSON", function() return document:at("b"):as_json() end, value = { c = "x" } },
  { "what is not there", function() return document:at("z"):as_string() end, value = sa.null },
})

local jsonb = sa.literal({ a = { 5, 6 }, b = { c = "x" } }, pg.JSONB)

executions("operators of JSONB", {
  { "a key that is there", function() return jsonb:has_key("a") end, value = true, only = "postgresql" },
  { "all of some keys", function() return jsonb:has_all(pg.array { "a", "z" }) end, value = false, only = "postgresql" },
  { "any of some keys", function() return jsonb:has_any(pg.array { "a", "z" }) end, value = true, only = "postgresql" },
  { "containment", function() return jsonb:contains { b = { c = "x" } } end, value = true, only = "postgresql" },
  { "containment the other way", function() return jsonb:contained_by { b = 1 } end, value = false, only = "postgresql" },
  { "a path that is there", function() return jsonb:path_exists("$.a[*] ? (@ > 5)") end, value = true, only = "postgresql" },
  { "a path's predicate", function() return jsonb:path_match("$.a[0] > 5") end, value = false, only = "postgresql" },
  { "without a path", function() return jsonb:delete_path { "b", "c" } end, value = { a = { 5, 6 }, b = {} }, only = "postgresql" },
})

local list = sa.literal({ 1, sa.null, 3 }, pg.ARRAY(sa.Integer))
local square = sa.literal({ { 1, 2 }, { 3, 4 } }, pg.ARRAY(sa.Integer, { dimensions = 2 }))

executions("operators of arrays", {
  { "an element", function() return list:at(3) end, value = 3, only = "postgresql" },
  { "an element in brackets", function() return list[1] end, value = 1, only = "postgresql" },
  { "one of an array of arrays", function() return square:at(2):at(1) end, value = 3, only = "postgresql" },
  { "a slice", function() return list:slice(2, 3) end, value = { sa.null, 3 }, only = "postgresql" },
  { "any of them", function() return list:any(3) end, value = true, only = "postgresql" },
  { "all of them", function() return sa.literal({ 1, 3 }, pg.ARRAY(sa.Integer)):all(3) end, value = false, only = "postgresql" },
  { "containment", function() return list:contains { 3 } end, value = true, only = "postgresql" },
  { "containment the other way", function() return sa.literal({ 1 }, pg.ARRAY(sa.Integer)):contained_by { 1, 2 } end, value = true, only = "postgresql" },
  { "what two have in common", function() return list:overlap { 7, 8 } end, value = false, only = "postgresql" },
  { "two one after the other", function() return list .. { 9 } end, value = { 1, sa.null, 3, 9 }, only = "postgresql" },
})

local function with_hstore(conn) conn:execute(sa.text("CREATE EXTENSION IF NOT EXISTS hstore")) end
local hash = sa.cast({ a = "1", b = sa.null }, pg.HSTORE)

local function of_hash(name, expression, value) return { name, expression, value = value, only = "postgresql", before = with_hstore } end

executions("operators of hstore", {
  { "a value", function() return sa.select(sa.select(hash:label("h")):subquery().c.h:at("a")) end, rows = { { "1" } }, only = "postgresql",
    before = with_hstore },
  of_hash("a value of what no name stands for", function() return hash:at("a") end, "1"),
  of_hash("a value of a function's", function() return sa.func.hstore("k", "v", { type_ = pg.HSTORE }):at("k") end, "v"),
  of_hash("the keys", function() return sa.func.array_length(hash:keys(), 1) end, 2),
  of_hash("the values", function() return sa.cast("1", sa.Text):eq(sa.any_(hash:vals())) end, true),
  of_hash("as an array", function() return sa.func.array_length(hash:array(), 1) end, 4),
  of_hash("as an array of pairs", function() return sa.func.array_ndims(hash:matrix()) end, 2),
  of_hash("without a key", function() return hash:delete("b") end, { a = "1" }),
  of_hash("a key that has a value", function() return hash:defined("b") end, false),
  of_hash("some of the pairs", function() return hash:slice(pg.array { "a", "z" }) end, { a = "1" }),
  of_hash("a key that is there", function() return hash:has_key("b") end, true),
  of_hash("one put over the other", function() return hash .. sa.cast({ b = "2" }, pg.HSTORE) end, { a = "1", b = "2" }),
  of_hash("containment the other way", function() return hash:contained_by(sa.cast({ a = "1" }, pg.HSTORE)) end, false),
})

local range = sa.literal(r(1, 10), pg.INT4RANGE)
local ranges = sa.literal(m { r(1, 3), r(5, 8) }, pg.INT4MULTIRANGE)

executions("operators of ranges", {
  { "an element inside", function() return range:contains(9) end, value = true, only = "postgresql" },
  { "a range inside", function() return range:contains(r(9, 11)) end, value = false, only = "postgresql" },
  { "inside another", function() return range:contained_by(r(0, 20)) end, value = true, only = "postgresql" },
  { "with something in common", function() return range:overlaps(r(10, 20)) end, value = false, only = "postgresql" },
  { "beside one another", function() return range:adjacent_to(r(10, 20)) end, value = true, only = "postgresql" },
  { "left of", function() return range:strictly_left_of(r(10, 20)) end, value = true, only = "postgresql" },
  { "right of", function() return range:strictly_right_of(r(10, 20)) end, value = false, only = "postgresql" },
  { "not beyond the right end", function() return range:not_extend_right_of(r(0, 10)) end, value = true, only = "postgresql" },
  { "not beyond the left end", function() return range:not_extend_left_of(r(2, 10)) end, value = false, only = "postgresql" },
  { "the sum", function() return range:union(r(5, 20)) end, value = r(1, 20), only = "postgresql" },
  { "the common part", function() return range:intersection(r(5, 20)) end, value = r(5, 10), only = "postgresql" },
  { "the rest", function() return range:difference(r(5, 20)) end, value = r(1, 5), only = "postgresql" },
  { "several ranges and one", function() return ranges + m { r(3, 5) } end, value = m { r(1, 8) }, only = "postgresql" },
})
