--- Options of statements that write, for what a dialect adds to them; checked as those of schema items are.

local core = require("lualchemy._core")
local options_ = require("lualchemy.schema.options")
local UpdateBase = require("lualchemy.sql").UpdateBase

--- A copy with options for what a dialect adds to the statement, `{ dialect_name = value }`; its compile hooks
--- (`sa.compiles(sa.Update, "dialect", fn)`) find them in `stmt.dialect_options.dialect.name`.
---@param options table<string, any>
function UpdateBase:with_dialect_options(options)
  local name = core.kind(self):gsub("^%l", string.upper)
  local given = options_.check(name, options, {})
  local merged = {}
  for _, all in ipairs { self.dialect_options, given } do
    for dialect, named in pairs(all) do
      merged[dialect] = merged[dialect] or {}
      for option, value in pairs(named) do merged[dialect][option] = value end
    end
  end
  return core.dml_dialect_options(self, merged)
end
