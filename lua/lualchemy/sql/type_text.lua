--- Types compile too: `sa.String(50):compile{ dialect = d }` is an object with `.string`, as a statement's.

local core = require("lualchemy._core")
local dialect = require("lualchemy.sql.dialect")
local types = require("lualchemy.types")

local Text = { __tostring = function(self) return self.string end }

--- The type as CREATE TABLE and CAST show it.
---@param target any  a dialect, its name, an engine, a connection, or { dialect = }
---@return { string: string, params: table, positiontup: table }
function types.TypeEngine:compile(target)
  if type(target) == "table" and getmetatable(target) == nil then target = target.dialect end
  local text = core.type_text(types.to_instance(self)._type, dialect.of(target)._dialect)
  return setmetatable({ string = text, params = {}, positiontup = {} }, Text)
end

return {}
