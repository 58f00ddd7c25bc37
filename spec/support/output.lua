-- busted's plain terminal report, followed by the line that spec/support/run.sh adds up. A pending test is a failure:
-- what cannot run has not passed.
return function(options)
  local busted = require("busted")
  local report = require("busted.outputHandlers.plainTerminal")(options)
  busted.subscribe({ "exit" }, function()
    local failed = report.failuresCount + report.errorsCount + report.pendingsCount
    io.write(("specs: %d passed, %d failed\n"):format(report.successesCount, failed))
    io.flush()   -- a leak report ends the process without
    return nil, true
  end)
  return report
end
