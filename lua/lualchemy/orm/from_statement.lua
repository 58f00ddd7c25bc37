--- `sa.select(User):from_statement(statement)`: the objects and values that a select asks for, read from the rows of
-- another statement: text, a union, an INSERT, UPDATE or DELETE with RETURNING. Its SQL is the other statement's, so
-- nothing can be added to it but options.

local class = require("lualchemy.util.class")
local clause = require("lualchemy.orm.clause")
local errors = require("lualchemy.errors")

---@class lualchemy.orm.FromStatement
---@field asked lualchemy.Select     what is wanted, and how it is loaded
---@field element any                the statement that is sent
local FromStatement = class("FromStatement")

function FromStatement:init(asked, element)
  if clause.kind(element) == nil then
    errors.raise("ArgumentError", "from_statement() takes a statement such as sa.text(...) or sa.select(...), got %s", tostring(element))
  end
  self.asked, self.element = asked, element
end

--- How the objects are loaded: `:options(orm.contains_eager(User.addresses))`.
---@return lualchemy.orm.FromStatement
function FromStatement:options(...) return FromStatement(self.asked:options(...), self.element) end

---@param options table
---@return lualchemy.orm.FromStatement
function FromStatement:execution_options(options) return FromStatement(self.asked:execution_options(options), self.element) end

---@return table
function FromStatement:get_execution_options() return self.asked:get_execution_options() end

function FromStatement:compile(...) return self.element:compile(...) end

function FromStatement:__tostring() return tostring(self.element) end

-- A connection knows no objects: it gives the rows as they are.
function FromStatement:_execute_on_connection(conn, params, options) return conn:execute(self.element, params, options) end

return FromStatement
