-- Every example runs on both databases and prints what it should.

local targets = require("spec.support.targets")
local tree = require("spec.support.tree")

-- Lines that the output must hold, in this order (each somewhere in a line of its own).
local expected = {
  ["01_core.lua"] = {
    "ann to cat: ann has not that much", "ann\t70", "bob\t50", "cat\t0", "ann gave bob 30", "a second ann: IntegrityError",
  },
  ["02_extending.lua"] = {
    "datetime('now')", "TIMEZONE('utc', CURRENT_TIMESTAMP)", "CURRENT_TIMESTAMP", "Vienna\tEurope/Vienna (UTC+1)\ttrue",
    "Tokyo\tAsia/Tokyo (UTC+9)\ttrue", "Accra\tAfrica/Accra (UTC+0)\ttrue", "without asking the database: 3", "marked\t35\t-139",
    "touched later or at once: true", "in the snapshot\tTokyo",
  },
  ["03_declarative.lua"] = {
    "3\tgas Jupiter\t95", "1\trock Mars\t2", "2\trock Venus\t0", "comet Halley\t75.32", "moons of Mars: 3, in the database 2",
    "after a rollback: 2", "a misspelt attribute is an error", "2 planets have several moons",
  },
  ["04_relationships.lua"] = {
    "Hawthorne taught Melville", "Moby-Dick by Melville: sea, whales", "Typee by Melville: sea", "wrote about whales: Melville",
    "wrote nothing: Hawthorne", "pupil of Hawthorne: Melville", "the sea is in 2 books", "1 book and 2 tags are left", "0 books after their author",
  },
  ["05_inheritance.lua"] = {
    "Goliath, a lorry for 12 tons", "Swift, a bicycle", "Twin, a tandem", "Ant, a lorry for 2 tons", "2 bicycles, 1 of them tandems",
    "in the garage: 4", "large: Goliath", "large: Swift", "garages with lorries: 1", "loaded together: 12 tons, 21 gears", "lorries left: Ant",
  },
  ["06_loading.lua"] = {
    "lazy: 12 players by 4 statements", "joined: 12 players by 1 statements", "select-in: 12 players by 2 statements",
    "subquery: 12 players by 2 statements", "batch: 12 players by 2 statements", "active ones: 9 players by 2 statements",
    "active ones everywhere: 9 players by 4 statements", "the last two\tteam 3\t4\tteam 2\t4", "one of them\tteam 2\t1\tplayer 2.1",
    "refused\ttrue", "deferred\tborn, played", "teams of 12 players by 1 statement", "matches\t5\t2\t1",
  },
  ["07_hybrid_and_proxy.lua"] = {
    "Harbour: 120000 square pixels, fits 500: true", "larger than 1000: Harbour", "fits 100: Stamp", "of 20 x 30: Stamp",
    "tags: evening, sea, boats", "third position: 3 boats", "in French: Le vieux port, flash: true", "tagged boats: Harbour",
    "false title must not be empty; it is still Harbour", "without a size: Harbour",
  },
  ["12_object_managers.lua"] = {
    "users: 2", "by email: list@example.org", "ordered: list@example.org", "in the session by itself: true", "west of everything",
    "locations: 1, found again: true",
  },
  ["21_active_record.lua"] = {
    "guests: 2, at a table of their own: Grace", "accepted: false", "name is too short", "seats the table has eight", "still: Ada, 2",
    "before the rollback: 1, 5", "after it: 2, 2", "with several seats: 1",
  },
  ["13_fixtures.lua"] = { "(10, 10) red", "(20, 20) blue", "known without asking: 2 rows", "colours: 3", "drifted: green" },
  ["08_sharding.lua"] = {
    "Lima: key 1 on america, 0 reports", "Tokyo: key 1 on asia, 1 reports", "Oslo: key 1 on europe, 2 reports", "asked of one shard: 1 Oslo",
    "by key, the first that has it: Lima", "the third row of Europe: nil", "reports in all: 4", "in Europe: 3", "frosty ones deleted: 1",
  },
  ["09_auditing.lua"] = {
    "before the commit\tnil", "after the commit\t456", "456\tnew record 1", "456\tnew record 2", "456\tchanged from record 1 to record one",
    "789\tgone record one", "left on the connection\tnil",
  },
  ["10_denormalised_view.lua"] = {
    "written\tLua\t2\t4", "written\tSQL\t1\t2", "moved\tLua\t1\t1", "moved\tSQL\t2\t4", "thinned\tLua\t0\tnil", "thinned\tSQL\t1\t4",
    "rolled back\tLua\t0\tnil", "rolled back\tSQL\t1\t4",
  },
  ["11_query_class.lua"] = {
    "published: Closures, Goto", "long: Closures, Varargs", "both: Closures", "of its class after all: true", "another session: true\t3",
  },
  ["14_lively_connections.lua"] = {
    "the first connection of the pool", "connection\t1\tsays\thello", "connection\t2\tsays\thello again",
    "looked at living ones\t2",
  },
  ["15_connection_info.lua"] = {
    "1\t123\tinserted", "1\t456\tupdated", "1\t456\tupdated", "2\t1\tsaid outright", "the next one is taken for\t456",
    "3\t789\tnew row", "with it for\tnil", "integer",
  },
  ["16_change_watcher.lua"] = {
    "a test that only reads", "cleanup:\t0\t0\t0", "dirty:\twatched_labels", "cleanup:\t0\t0\t2", "\t0\t0\t0",
    "dirty:\twatched_artists, watched_records", "cleanup:\t1\t1\t0", "\t0\t0\t0", "dirty:\teverything", "cleanup:\t0\t0\t1",
    "\t0\t0\t0", "dirty:\teverything", "cleanup:\t0\t0\t1", "\t0\t0\t0",
  },
  ["18_tests_that_leave_nothing.lua"] = {
    "joining: passed", "a failed one leaves the others: passed", "two statements, however many members: passed",
    "of these shapes: passed", "one too many is told:", "2 statements, not 1:", "SELECT example18_members",
    "would be written\tdelete Visit, insert Member, insert Visit, update Member.name: ada -> Ada",
    "a preview: passed", "left behind\t0",
  },
  ["17_statement_timing.lua"] = {
    "statements sent\t", "time is a number\ttrue\tends\tcommit, rollback", "3 times\tSELECT timed_readings.value",
    "slow\t17_statement_timing.lua\tplanned in lines:\ttrue", "tagged\t/*job='report',tenant='7%2Fb'*/",
    "checkouts more than connections\ttrue\tin use\t0", "compiled once and found again\ttrue",
  },
  ["19_existing_schema.lua"] = {
    "Omoo by Melville, 321 pages, sold in 1 shops", "Typee by Melville, 325 pages, sold in 2 shops", "Omoo\tshort", "Typee\tlong",
  },
  ["20_history_tables.lua"] = {
    "ann version 1: 100, until teller", "ann version 2: 90, until statement", "bob version 1: 50, until statement",
    "bob version 2: 100, until teller", "now\tann\t3\t180", "ann's balances\t100\t90\t180",
  },
  ["tutorial.lua"] = {
    "CREATE TABLE tutorial_users", "the first column is user_id, the table has 3", "INSERT INTO tutorial_users", "(1, 'Mary', 'secure')",
    "(4, 'Harry', NULL)", "user_id, user_name, password", "4\tHarry\tnil", "(4, 'Harry')", "CREATE TABLE tutorial_email_addresses",
    "mary@mary.example", "tutorial_users JOIN tutorial_email_addresses ON tutorial_users.user_id = tutorial_email_addresses.user_id AND",
    "nil\tnil", "User(Harry, nil)", "User(Fred, nil)", "User(Tom, nil)", "User(Mary, secure)", "User(Tom, nil)", "4",
    "the session holds Ed: true", "one row, one object: true", "UPDATE tutorial_users SET password=", "COMMIT",
    "Address(mary@mary.example)", "the other side knows: User(Mary, marysnewpassword)", "INSERT INTO tutorial_email_addresses", "COMMIT",
    "3 of them found", "UPDATE tutorial_email_addresses SET user_id=", "*** flushed the session ***", "INSERT INTO tutorial_users", "COMMIT",
    "Mary         marysnewpassword mary2@gmail.example", "Tom          -", "Harry        harrysnewpassword harry@harry.example",
    "Ed           edspassword", "fred_again   -            fred@fred.example, fred@gmail.example",
  },
}

local function run(example, url) return tree.run_lua(("examples/%s '%s'"):format(example, url)) end

local function check(output, lines)
  local from = 1
  for _, line in ipairs(lines) do
    local _, stop = output:find(line, from, true)
    if not stop then error(("'%s' is missing (or out of order) in:\n%s"):format(line, output), 2) end
    from = stop + 1
  end
end

describe("examples", function()
  it("are all checked", function()
    local found = {}
    for _, path in ipairs(tree.files("examples", "%.lua$")) do found[#found + 1] = path:match("[^/]+$") end
    table.sort(found)
    local known = {}
    for name in pairs(expected) do known[#known + 1] = name end
    table.sort(known)
    assert.same(known, found)
  end)

  for database, url in targets.each() do
    for example, lines in pairs(expected) do
      it(example .. " runs on " .. database, function()
        local output, ok = run(example, url)
        assert.is_true(ok, output)
        check(output, lines)
      end)
    end
  end
end)
