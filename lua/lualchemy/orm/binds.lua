--- Which database a session uses for what: `binds` gives engines to classes, with all those below them, and to tables;
-- `bind` is for everything else.

local class = require("lualchemy.util.class")
local clause = require("lualchemy.orm.clause")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local registry = require("lualchemy.orm.registry")

local M = {}

local function is_mapper(value) return type(value) == "table" and rawget(value, "_c") and rawget(value, "properties") and true or false end

--- Is a value an engine or a connection?
---@param value any
---@return boolean
function M.is_bind(value) return class.of(value) ~= nil and value.dialect ~= nil and type(value.begin) == "function" end

local function check_bind(value, what)
  if M.is_bind(value) then return value end
  errors.raise("ArgumentError", "%s must be an Engine or a Connection, not %s", what, type(value) == "string" and ("'%s'"):format(value) or tostring(value))
end

-- A base or a mixin of mapped classes is a table like any other, but nobody's object and not empty.
local function is_plain_class(key)
  return type(key) == "table" and not class.of(key) and not registry.mapper_of_instance(key) and next(key) ~= nil
end

-- What an engine is kept under: the class of a mapper, a table, a class that others are made from.
local function take_key(key)
  if is_mapper(key) then return key.class_ end
  if clause.kind(key) == "table" or registry.mapper_of(key) or is_plain_class(key) then return key end
  errors.raise("ArgumentError", "a session binds mapped classes, their bases and mixins, mappers and tables to engines; got %s",
    type(key) == "string" and ("the name '%s': give the class itself"):format(key) or tostring(key))
end

--- What a session was given as `bind` and `binds`.
---@param bind any
---@param binds any
---@return lualchemy.Engine|lualchemy.Connection|nil, table
function M.take(bind, binds)
  local kept = {}
  if binds ~= nil and (type(binds) ~= "table" or class.of(binds)) then
    errors.raise("ArgumentError", "binds is a table: { [User] = engine, [table] = engine }; got %s", tostring(binds))
  end
  for key, value in pairs(binds or {}) do kept[take_key(key)] = check_bind(value, "what binds gives a class or table") end
  return bind ~= nil and check_bind(bind, "a session's bind") or nil, kept
end

--- Gives a class or a table an engine of its own.
---@param session lualchemy.orm.Session
---@param key any
---@param bind lualchemy.Engine|lualchemy.Connection
function M.put(session, key, bind) session.binds[take_key(key)] = check_bind(bind, "a bind") end

-- The engine given for a class, what it was made from or mixes in; its own first.
local function of_class(binds, mapper)
  local class_ = mapper.class_
  while class_ do
    if binds[class_] then return binds[class_] end
    local of = registry.mapper_of(class_)
    for _, mixin in ipairs(of and of.mixins or {}) do
      if binds[mixin] then return binds[mixin] end
    end
    class_ = registry.base_of(class_)
  end
end

-- The same by tables.
local function of_table(binds, mapper)
  while mapper do
    if binds[mapper.local_table] then return binds[mapper.local_table] end
    mapper = mapper.inherits
  end
end

--- The mapper of a class or mapper, configured.
---@param subject any
---@return lualchemy.orm.Mapper
function M.mapper_of(subject)
  return is_mapper(subject) and subject or core.mapper_of(subject) or registry.class_mapper(subject)
end

-- What stands for a table that no class is mapped to stays what it is.
local function mapper_of(subject)
  if subject == nil or type(subject) == "table" and rawget(subject, "local_table") then return subject end
  return M.mapper_of(subject)
end

--- The engine or connection for a mapper, or for what no class is concerned in.
---@param session lualchemy.orm.Session
---@param subject lualchemy.orm.Mapper|table|nil   also a class, or a table that no class is mapped to: { local_table = t }
---@return lualchemy.Engine|lualchemy.Connection
function M.find(session, subject)
  local binds, mapper = session.binds, mapper_of(subject)
  local any = next(binds)
  local found = mapper and any ~= nil and (of_class(binds, mapper) or of_table(binds, mapper)) or session.bind
  if found then return found end
  local metadata = mapper and mapper.local_table and mapper.local_table.metadata
  if metadata and metadata.bind then return metadata.bind end
  if not mapper and any ~= nil and next(binds, any) == nil then return binds[any] end
  errors.raise("UnboundExecutionError", "this session knows no database%s: give it a bind (orm.Session{ bind = engine }), or bind the metadata",
    mapper and (" for " .. tostring(mapper.class_name or mapper)) or "")
end

return M
