--- A dialect that is not part of the tree: SQLite, as a bank would have it. What it does not say is SQLite's.

local Dialect = require("lualchemy").Dialect
local sqlite = require("lualchemy.dialects.sqlite")

local M = {}

M.description = {
  name = "ledger",
  base = sqlite.description,
  max_identifier_length = 30,
  caps = { delete_returning = false },
  words = { now = "datetime('now')", char_length = "length" },
  types = { Numeric = "DECIMAL%N", Boolean = "YESNO" },
  storage = { as = { uuid = "text" } },     -- readable ones
  reserved = { "account", "select", "table" },
}

function M.dialect(options) return Dialect(M.description, options) end

return M
