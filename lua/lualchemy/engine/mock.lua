--- An engine without a database: what is executed on it goes to a function instead, for scripts of DDL and to look at
-- statements. No driver is loaded, so the database's client library need not be there.
--
--     local mock = sa.create_mock_engine("postgresql://", function(statement) print(statement:compile(mock)) end)
--     metadata:create_all(mock)

local class = require("lualchemy.util.class")
local errors = require("lualchemy.errors")
local sql_layer = require("lualchemy.sql")

---@class lualchemy.MockEngine
---@field url lualchemy.URL
---@field name string        of the dialect
---@field dialect lualchemy.Dialect
---@field engine lualchemy.MockEngine   itself: it is its connection, too
local Mock = class("MockEngine")

-- Nobody can be asked what is there: create_all and drop_all speak of everything, whatever `checkfirst` says.
Mock.has_catalogue = false

---@param url lualchemy.URL
---@param dialect lualchemy.Dialect
---@param executor fun(statement: any, params: table?)
function Mock:init(url, dialect, executor)
  self.url, self.name, self.dialect, self._executor, self.engine = url, url.backend, dialect, executor, self
end

--- Gives the statement to the function. A string is taken as `sa.text`.
---@param statement any
---@param params table?
function Mock:execute(statement, params)
  if type(statement) == "string" then statement = sql_layer.text(statement) end
  return self._executor(statement, params)
end

---@return lualchemy.MockEngine
function Mock:connect() return self end

---@param fn fun(conn: lualchemy.MockEngine): ...
function Mock:begin(fn)
  if fn == nil then errors.raise("InvalidRequestError", "a mock engine has no transactions; begin(fn) calls the function") end
  return fn(self)
end

---@return lualchemy.MockEngine
function Mock:execution_options() return self end

--- Does nothing: there is nothing to give back.
function Mock:close() return rawequal(self, self.engine) end
Mock.__close = Mock.close

function Mock:__tostring() return "MockEngine(" .. tostring(self.url) .. ")" end

return Mock
