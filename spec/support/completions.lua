--- What editors are told of `sa`, of `orm`, and of the classes behind them: lua/lualchemy/_meta/lualchemy.lua, expressions.lua
-- (what SQL is made of), classes.lua (all others) and orm.lua, written from the library itself by `make completions`. Much of it
-- the sources cannot show: methods are C functions or made in loops, and `sa` collects its names from the layers.
-- spec/completions_spec.lua fails when the files say something else.

local orm = require("lualchemy.orm")
local sa = require("lualchemy")
local signature = require("lualchemy.signature")
local tree = require("spec.support.tree")

local M = { names = { "lualchemy", "classes", "expressions", "orm" } }

-- Classes that are called otherwise in the sources' annotations.
local named = { TypeEngine = "Type" }

local function is_class(x) return type(x) == "table" and rawget(x, "__super") ~= nil end

-- The classes of `orm` and their bases; `sa` has none of them.
local of_orm = {}
for _, value in pairs(orm) do
  while is_class(value) do
    of_orm[value], value = true, rawget(value, "__super")
  end
end

local function name_of(class)
  local name = rawget(class, "__name")
  return (of_orm[class] and "lualchemy.orm." or "lualchemy.") .. (named[name] or name)
end

-- Methods that give something else than the statement or expression that they are asked of.
local gives = {
  alias = "lualchemy.Alias", all = "any[]", and_ = "lualchemy.ColumnElement", as_scalar = "lualchemy.ScalarSelect", compile = "lualchemy.Compiled",
  cte = "lualchemy.CTE", execute = "lualchemy.Result", exists = "lualchemy.Exists", is = "boolean", is_same = "boolean", label = "lualchemy.Label",
  lateral = "lualchemy.Lateral", scalar = "any", scalar_subquery = "lualchemy.ScalarSelect", subquery = "lualchemy.Subquery", extend = "table",
  get_execution_options = "table", op = "fun(other: any): lualchemy.ColumnElement", bool_op = "fun(other: any): lualchemy.ColumnElement",
  union = "lualchemy.CompoundSelect", union_all = "lualchemy.CompoundSelect", intersect = "lualchemy.CompoundSelect",
  intersect_all = "lualchemy.CompoundSelect", except_ = "lualchemy.CompoundSelect", except_all = "lualchemy.CompoundSelect",
  select = "lualchemy.Select", insert = "lualchemy.Insert", update = "lualchemy.Update", delete = "lualchemy.Delete", join = "lualchemy.Join",
  outerjoin = "lualchemy.Join", any_ = "lualchemy.ColumnElement", all_ = "lualchemy.ColumnElement", case = "lualchemy.Case", cast = "lualchemy.Cast",
  bindparam = "lualchemy.BindParameter", column = "lualchemy.ColumnClause", table = "lualchemy.TableClause", text = "lualchemy.TextClause",
  values = "lualchemy.Values", create_engine = "lualchemy.Engine", engine_from_config = "lualchemy.Engine", inspect = "lualchemy.Inspector",
  make_url = "lualchemy.URL", between = "lualchemy.ColumnElement", tablesample = "lualchemy.TableSample", over = "lualchemy.Over",
}

-- Of a SELECT, joins and values() are the statement again.
local statement_again = { join = true, outerjoin = true, values = true, case = true, select = true, column = true }

local function has_base(class, base)
  while class and class ~= base do class = rawget(class, "__super") end
  return class == base
end

local function result_of(class, name)
  local again = has_base(class, sa.Executable) and statement_again[name]
  if gives[name] and not again then return gives[name] end
  if has_base(class, sa.ColumnElement) then return "lualchemy.ColumnElement" end
  if has_base(class, sa.Executable) then return name_of(class) end
  return "any"
end

-- "self: X, a: any, ...: any" of a function; of one in C only that it takes something.
local function parameters_of(fn, self_class)
  local inside = signature.inside(fn)
  local info = debug.getinfo(inside, "uS")
  local parts = {}
  local first = info.what ~= "C" and debug.getlocal(inside, 1)
  if self_class then parts[1] = "self: " .. self_class end
  for i = first == "self" and 2 or 1, info.what ~= "C" and info.nparams or 0 do
    parts[#parts + 1] = debug.getlocal(inside, i) .. "?: any"
  end
  if info.what == "C" or info.isvararg then parts[#parts + 1] = "...: any" end
  return table.concat(parts, ", ")
end

local function sorted_keys(t, wanted)
  local keys = {}
  for key, value in pairs(t) do
    if type(key) == "string" and wanted(key, value) then keys[#keys + 1] = key end
  end
  table.sort(keys)
  return keys
end

local OWN = { is = true, new = true, extend = true, init = true }

--- The methods and the computed fields that a class itself has, by name.
---@param class lualchemy.Class
---@return string[] methods
---@return string[] getters
function M.members(class)
  local methods = sorted_keys(class, function(key, value) return type(value) == "function" and key:sub(1, 1) ~= "_" and not OWN[key] end)
  local getters = sorted_keys(rawget(class, "__getters") or {}, function(key) return key:sub(1, 1) ~= "_" end)
  return methods, getters
end

--- The classes that `sa` has and their bases, each once, ordered by name.
---@return lualchemy.Class[]
function M.classes()
  local found = {}
  local function add(class)
    while is_class(class) and rawget(class, "__name") and not found[name_of(class)] do
      found[name_of(class)] = class
      class = rawget(class, "__super")
    end
  end
  for _, key in ipairs(sorted_keys(sa, function(_, value) return is_class(value) end)) do add(sa[key]) end
  local list = {}
  for _, name in ipairs(sorted_keys(found, function() return true end)) do list[#list + 1] = found[name] end
  return list
end

-- A statement's methods give the same kind of statement, so those of its bases are said again for it.
local function with_inherited(class, methods)
  local seen, at = {}, rawget(class, "__super")
  for _, name in ipairs(methods) do seen[name] = true end
  while has_base(class, sa.Executable) and is_class(at) do
    for _, name in ipairs((M.members(at))) do
      if not seen[name] then methods[#methods + 1], seen[name] = name, true end
    end
    at = rawget(at, "__super")
  end
  table.sort(methods)
  return methods
end

local function class_lines(class, out)
  local super = rawget(class, "__super")
  local own = name_of(class)
  local methods, getters = M.members(class)
  out[#out + 1] = ("---@class %s%s"):format(own, is_class(super) and ": " .. name_of(super) or "")
  for _, name in ipairs(getters) do out[#out + 1] = ("---@field %s any"):format(name) end
  for _, name in ipairs(with_inherited(class, methods)) do
    out[#out + 1] = ("---@field %s fun(%s): %s"):format(name, parameters_of(class[name], own), result_of(class, name))
  end
  out[#out + 1] = ""
end

-- A class that adds nothing is a line among the others like it.
local function adds_nothing(class)
  local methods, getters = M.members(class)
  return #methods + #getters == 0 and not has_base(class, sa.Executable)
end

local function module_lines(out, title, module, names, results)
  out[#out + 1] = "---@class " .. title
  for _, name in ipairs(names) do
    local value = module[name]
    local type_ = type(value)
    if is_class(value) then
      type_ = ("%s|fun(...: any): %s"):format(name_of(value), name_of(value))
    elseif type_ == "function" then
      type_ = ("fun(%s): %s"):format(parameters_of(value, nil), results[name] or "any")
    elseif type_ == "userdata" then
      type_ = "any"
    end
    out[#out + 1] = ("---@field %s %s"):format(name, type_)
  end
  out[#out + 1] = ""
end

local function every() return true end

-- What the functions of `orm` give.
local gives_of_orm = {
  aliased = "table", backref = "table", class_mapper = "lualchemy.orm.Mapper", column_property = "lualchemy.orm.ColumnProperty",
  composite = "lualchemy.orm.CompositeProperty", create_session = "lualchemy.orm.Session", declarative_base = "table",
  deferred = "lualchemy.orm.ColumnProperty", join = "lualchemy.Join", object_mapper = "lualchemy.orm.Mapper",
  object_session = "lualchemy.orm.Session?", outerjoin = "lualchemy.Join", polymorphic_union = "lualchemy.Subquery",
  query_expression = "lualchemy.orm.ColumnProperty", relation = "lualchemy.orm.RelationshipProperty",
  relationship = "lualchemy.orm.RelationshipProperty", to_table = "table", with_parent = "lualchemy.ColumnElement", with_polymorphic = "table",
}
for name in pairs(require("lualchemy.orm.options")) do
  if type(orm[name]) == "function" then gives_of_orm[name] = "lualchemy.orm.Load" end
end

--- The names of `orm`, those of extensions among them.
---@return string[]
function M.names_of_orm()
  local names = sorted_keys(getmetatable(orm).extensions, every)
  local seen = {}
  for _, name in ipairs(names) do seen[name] = true end
  for _, name in ipairs(sorted_keys(orm, function(key) return not seen[key] end)) do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function orm_lines(out)
  module_lines(out, "lualchemy.orm", orm, M.names_of_orm(), gives_of_orm)
  local classes = {}
  for class in pairs(of_orm) do classes[rawget(class, "__name")] = class end
  for _, name in ipairs(sorted_keys(classes, every)) do class_lines(classes[name], out) end
end

local HEAD = { "---@meta", "-- Written by `make completions` (spec/support/completions.lua): what `sa`, `orm` and their classes have, for editors.", "" }

-- Which file a class is in.
local function file_of(class)
  if adds_nothing(class) then return "lualchemy" end
  return has_base(class, sa.ClauseElement) and "expressions" or "classes"
end

--- A file's text.
---@param name "lualchemy"|"classes"|"expressions"|"orm"
---@return string
function M.render(name)
  local out = { table.unpack(HEAD) }
  if name == "orm" then
    orm_lines(out)
    return table.concat(out, "\n")
  end
  if name == "lualchemy" then module_lines(out, "lualchemy", sa, sorted_keys(sa, every), gives) end
  for _, class in ipairs(M.classes()) do
    if file_of(class) == name then class_lines(class, out) end
  end
  return table.concat(out, "\n")
end

---@param name "lualchemy"|"classes"|"expressions"|"orm"
function M.path(name) return ("lua/lualchemy/_meta/%s.lua"):format(name) end

function M.write()
  for _, name in ipairs(M.names) do
    local file <close> = assert(io.open(M.path(name), "w"))
    file:write(M.render(name))
  end
end

--- The file as it is.
function M.read(name) return tree.read(M.path(name)) end

return M
