--- What a construct's text must be: white space counts as one space.

local assert = require("luassert")
local busted = require("busted")

local M = {}

--- The text with every run of white space as one space.
---@param text string
---@return string
function M.one(text) return (text:gsub("%s+", " ")) end

--- Compiles what `make` answers and compares text and parameters.
---@param dialect any        what compile() takes; nil: the generic one
---@param make function
---@param want string
---@param row table?         { loose =: blanks do not count, params =, absent =: names that are no parameters }
function M.check(dialect, make, want, row)
  row = row or {}
  local compiled = make():compile(dialect)
  local got = M.one(compiled.string)
  if row.loose then got, want = got:gsub(" ", ""), want:gsub(" ", "") end
  assert.equal(want, got)
  for name, value in pairs(row.params or {}) do assert.equal(value, compiled.params[name]) end
  for _, name in ipairs(row.absent or {}) do assert.is_nil(compiled.params[name]) end
end

--- Declares a test for each row: { what it shows, make, text, postgresql = text, and what check() takes }.
---@param rows table[]
---@param dialect any   what the texts of `postgresql` are compiled with
function M.each(rows, dialect)
  for _, row in ipairs(rows) do
    busted.it("has " .. row[1], function()
      M.check(nil, row[2], row[3], row)
      if row.postgresql then M.check(dialect, row[2], row.postgresql) end
    end)
  end
end

return M
