--- DDL of the ledger: every table says who audits it.

local compiler = require("lualchemy.schema.ddl_compiler")
local options = require("lualchemy.schema.options")
local SQLiteDDL = require("lualchemy.dialects.sqlite.ddl")

options.declare("ledger", "Table", "auditor")

local LedgerDDL = SQLiteDDL:extend("LedgerDDLCompiler")

function LedgerDDL:visit_create_table(element, kw)
  local auditor = options.of(element.element, "ledger").auditor
  local text = SQLiteDDL.visit_create_table(self, element, kw)
  return auditor and ("/* audited by %s */%s"):format(auditor, text) or text
end

compiler.register("ledger", LedgerDDL)

return LedgerDDL
