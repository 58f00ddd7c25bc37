-- Classes and tables written down at once: columns, a mixin, a constructor of one's own, methods, history.
--
--     lua5.4 examples/03_declarative.lua [URL]

local sa = require("lualchemy")
local orm = require("lualchemy.orm")

local Base = orm.declarative_base()

-- Columns that several classes have; each class gets copies.
local Named = {
  name = sa.Column(sa.String(40), { nullable = false }),
  describe = function(self) return ("%s %s"):format(self.kind or "nameless", self.name) end,
}

local Planet = Base:class("Planet", Named, {
  __tablename__ = "planets",
  id = sa.Column(sa.Integer, { primary_key = true }),
  kind = sa.Column(sa.String(20), { server_default = "rock" }),
  moons = sa.Column(sa.Integer, { default = 0 }),
})

local Comet = Base:class("Comet", Named, {
  __tablename__ = "comets",
  id = sa.Column(sa.Integer, { primary_key = true }),
  kind = sa.Column(sa.String(20)),
  years = sa.Column(sa.Numeric(6, 2)),
})
function Comet:init(name, years)
  self.name, self.years, self.kind = name, sa.decimal(years), "comet"
end

local engine = sa.create_engine(arg and arg[1] or "sqlite://")
Base.metadata:drop_all(engine)
Base.metadata:create_all(engine)

local Session = orm.sessionmaker{ bind = engine }
do
  local session <close> = Session()
  session:add_all{
    Planet{ name = "Mars", moons = 2 },
    Planet{ name = "Venus" },
    Planet{ name = "Jupiter", kind = "gas", moons = 95 },
    Comet("Halley", "75.32"),
  }
  session:commit()

  for planet in session:query(Planet):order_by(Planet.name):iter() do
    print(planet.id, planet:describe(), planet.moons)
  end
  print(session:query(Comet):one():describe(), session:query(Comet.years):scalar())

  local mars = session:query(Planet):filter_by{ name = "Mars" }:one()
  mars.moons = 3
  local added, _, deleted = orm.attributes.get_history(mars, "moons")
  print(("moons of %s: %d, in the database %d"):format(mars.name, added[1], deleted[1]))
  session:rollback()
  print(("after a rollback: %d"):format(mars.moons))

  print(pcall(Planet, { nmae = "Pluto" }) and "accepted" or "a misspelt attribute is an error")
  print(session:query(Planet):filter(Planet.moons:gt(1)):count() .. " planets have several moons")
end

Base.metadata:drop_all(engine)
engine:dispose()
