-- What functions given as a column's default find when a flush calls them, on both databases.

local sa = require("lualchemy")
local world = require("spec.support.world")

world.describe("default functions in a flush", function(Base, w)
  w.seen = {}
  w.Page = Base:class("Page", {
    __tablename__ = "default_function_pages",
    id = sa.Column(sa.Integer, { primary_key = true }),
    title = sa.Column("page_title", sa.String(50)),
    slug = sa.Column(sa.String(50), { default = function(context)
      return context.current_parameters.page_title:lower() .. "-" .. tostring(context:get_current_parameters().id)
    end }),
    number = sa.Column(sa.Integer, { default = function(context)
      local pages = w.Page.__table__
      return context.connection:scalar(sa.select(sa.func.coalesce(sa.func.max(pages.c.number), 0) + 1))
    end }),
    token = sa.Column(sa.String(50), { default = function(...) return "token of " .. select("#", ...) end }),
    touched = sa.Column(sa.String(50), { onupdate = function(context)
      local keys = {}
      for key in pairs(context.current_parameters) do keys[#keys + 1] = key end
      return table.concat(keys, ",")
    end }),
  })
end, function(w)
  it("find the row under its columns' keys, and the connection of the flush", function()
    local first, second = w.Page{ id = 5, title = "One" }, w.Page{ id = 6, title = "Two" }
    w.session:add(first)
    w.session:flush()
    w.session:add(second)
    w.session:commit()
    assert.same({ "one-5", 1, "token of 1" }, { first.slug, first.number, first.token })
    assert.same({ "two-6", 2 }, { second.slug, second.number })
    first.title = "Uno"
    w.session:commit()
    assert.equal("page_title", first.touched)
  end)
end)
