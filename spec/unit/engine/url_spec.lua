local raises = require("spec.support.expect").raises
local URL = require("lualchemy.engine.url")
local errors = require("lualchemy.errors")

local cases = {
  { "sqlite://", { drivername = "sqlite" } },
  { "sqlite:///rel.db", { drivername = "sqlite", database = "rel.db" } },
  { "sqlite:////abs/x.db", { drivername = "sqlite", database = "/abs/x.db" } },
  { "sqlite:///:memory:", { drivername = "sqlite", database = ":memory:" } },
  { "sqlite:///a%20b.db?mode=ro&busy_timeout=10", { drivername = "sqlite", database = "a b.db",
    query = { mode = "ro", busy_timeout = "10" } } },
  { "postgresql://u:p%40%3A%2F@h:5433/d", { drivername = "postgresql", username = "u", password = "p@:/", host = "h",
    port = 5433, database = "d" } },
  { "postgresql://u:p@w@h/d", { drivername = "postgresql", username = "u", password = "p@w", host = "h", database = "d" } },
  { "postgresql+libpq://h", { drivername = "postgresql+libpq", host = "h" } },
  { "postgresql://u@/d?host=/var/run/pg&port=5499", { drivername = "postgresql", username = "u", database = "d",
    query = { host = "/var/run/pg", port = "5499" } } },
  { "x://%2C%3A.", { drivername = "x", host = ",:." } },
  { "postgresql://[::1]:5432/d", { drivername = "postgresql", host = "::1", port = 5432, database = "d" } },
  { "postgresql://u:@h/d", { drivername = "postgresql", username = "u", password = "", host = "h", database = "d" } },
  { "postgresql:///d?host=a&host=b", { drivername = "postgresql", database = "d", query = { host = { "a", "b" } } } },
  { "postgresql://u@h1:5432,h2:5433/d?x=1", { drivername = "postgresql", username = "u", database = "d",
    query = { host = { "h1:5432", "h2:5433" }, x = "1" } } },
  { "postgresql://[::1]:5432,h2", { drivername = "postgresql", query = { host = { "[::1]:5432", "h2" } } } },
}

describe("url", function()
  for _, case in ipairs(cases) do
    it("parses " .. case[1] .. " and prints it back", function()
      local url = URL.make(case[1])
      case[2].query = case[2].query or {}
      for _, name in ipairs { "drivername", "username", "password", "host", "port", "database", "query" } do
        assert.same(case[2][name], url[name], name)
      end
      assert.is_true(URL.make(url:render_as_string { hide_password = false }) == url)
    end)
  end

  it("splits dialect and driver", function()
    local url = URL.make("postgresql+libpq://h")
    assert.equal("postgresql", url.backend)
    assert.equal("libpq", url.driver)
    assert.is_nil(URL.make("sqlite://").driver)
  end)

  it("never prints the password", function()
    assert.equal("postgresql://u:***@h/d", tostring(URL.make("postgresql://u:secret@h/d")))
  end)

  it("set makes a changed copy", function()
    local url = URL.make("postgresql://u:secret@h/d")
    local other = url:set { database = "e", port = 1 }
    assert.equal("postgresql://u:***@h:1/e", tostring(other))
    assert.equal("d", url.database)
    assert.is_false(url == other)
  end)

  it("its parts are what they have to be", function()
    assert.equal(5432, URL.create("postgresql", { port = "5432" }).port)
    for why, parts in pairs {
      ["the host of a URL is a string, got 5"] = { host = 5 }, ["the port of a URL is a whole number, got five"] = { port = "five" },
      ["the port of a URL is a whole number, got 5.5"] = { port = 5.5 }, ["the query of a URL is a table, got a=b"] = { query = "a=b" },
      ["a URL has no part 'usernam'; did you mean 'username'"] = { usernam = "ed" }, ["a text or a list of texts; got a = true"] = { query = { a = true } },
      ["the password of a URL is a string, got table"] = { password = {} },
    } do
      raises("ArgumentError", why, URL.create, "postgresql", parts)
    end
  end)

  it("its query is replaced, added to and taken from in copies", function()
    local url = URL.make("postgresql://h/d?alt_host=host1&ssl=no")
    assert.equal("postgresql://h/d?alt_host=host2&alt_host=host3&ssl=no",
      tostring(url:update_query_pairs { { "alt_host", "host2" }, { "alt_host", "host3" } }))
    assert.same({ "host1", "host2" }, url:update_query_pairs({ { "alt_host", "host2" } }, { append = true }).query.alt_host)
    assert.equal("postgresql://h/d?alt_host=x&cert=%2B&ssl=no", tostring(url:update_query_dict { alt_host = "x", cert = "+" }))
    assert.same({ alt_host = { "host1", "a", "b" }, ssl = "no" }, url:update_query_dict({ alt_host = { "a", "b" } }, { append = true }).query)
    assert.equal("postgresql://h/d?alt_host=a+b&ssl=yes", tostring(url:update_query_string("alt_host=a+b&ssl=yes")))
    assert.equal("postgresql://h/d?ssl=no", tostring(url:difference_update_query { "alt_host", "other" }))
    assert.same({ alt_host = { "host1" }, ssl = { "no" } }, url:normalized_query())
    assert.equal("postgresql://h/d?alt_host=host1&ssl=no", tostring(url))
    raises("ArgumentError", "text or a list of texts; got x = true", url.update_query_dict, url, { x = true })
    raises("ArgumentError", "text or a list of texts", url.update_query_pairs, url, { { "x" } })
    raises("ArgumentError", "pair 1 is a list { name, value }, not 1", url.update_query_pairs, url, { 1 })
    raises("ArgumentError", "text or a list of texts", url.update_query_dict, url, { x = { "a", {} } })
  end)

  it("tells its parts under the names that others want", function()
    local url = URL.make("postgresql+libpq://ed:pw@h:5433/d")
    assert.same({ user = "ed", password = "pw", host = "h", port = 5433, database = "d" },
      url:translate_connect_args { username = "user" })
    assert.same({ database = "x.db" }, URL.make("sqlite:///x.db"):translate_connect_args())
    assert.equal("postgresql libpq", url:get_backend_name() .. " " .. url:get_driver_name())
    assert.equal("sqlite", URL.make("sqlite://"):get_driver_name())
    assert.equal("postgresql", url:get_dialect().name)
  end)

  for text, why in pairs {
    ["nonsense"] = "expected dialect://",
    ["sqlite:/x.db"] = "expected dialect://",
    ["postgresql://u:secret@h:five/d"] = "port 'five' is not a number",
    ["postgresql://u:secret@h1,:5433/d"] = "a host is missing in 'h1,:5433'",
    ["postgresql://u:secret@h1,h2/d?host=h3"] = "hosts are named twice",
    ["post gres://u:secret@h/d"] = "expected dialect://",
  } do
    it("refuses " .. text .. " without showing a password", function()
      local ok, err = pcall(URL.make, text)
      assert.is_false(ok)
      assert.is_true(errors.ArgumentError:is(err))
      assert.matches(why, err.message, 1, true)
      assert.is_nil(err.message:find("secret", 1, true))
    end)
  end

  it("is made of parts", function()
    local url = URL.create("postgresql", { username = "ed", password = "p@ss/", host = "h", database = "d", query = { x = "1" } })
    assert.equal("postgresql://ed:p%40ss%2F@h/d?x=1", url:render_as_string{ hide_password = false })
    assert.is_true(URL.make(url:render_as_string{ hide_password = false }) == url)
  end)

  for text, written in pairs {
    ["sqlite:///:memory:"] = "sqlite:///%3Amemory%3A",
    ["sqlite:////data/a b+c:d.db"] = "sqlite:////data/a b+c%3Ad.db",
    ["postgresql://u ser+:p%40 +:w@h/db?x=a+b%2B/c:d&k ey=1"] = "postgresql://u ser+:p%40 +%3Aw@h/db?k+ey=1&x=a+b%2B%2Fc%3Ad",
    ["postgresql://u@[::1]:5432/x%3Fy%23z"] = "postgresql://u@[::1]:5432/x%3Fy%23z",
  } do
    it("writes what has a meaning in a URL in hexadecimal, spaces as they were read: " .. text, function()
      local url = URL.make(text)
      assert.equal(written, url:render_as_string { hide_password = false })
      assert.is_true(URL.make(written) == url)
    end)
  end

  it("refuses what is no text", function()
    local ok, err = pcall(URL.make, 5)
    assert.is_false(ok)
    assert.matches("got number", err.message)
  end)
end)
