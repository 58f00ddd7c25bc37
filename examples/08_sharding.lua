-- Horizontal sharding: weather reports of three continents in three databases behind one session.
--
--     lua5.4 examples/08_sharding.lua [URL]
--
-- Shards are databases; here they are in memory, but for Europe, which is at the URL.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local ShardedSession = require("lualchemy.ext.horizontal_shard").ShardedSession

local Base = orm.declarative_base()

local Location = Base:class("Location", {
  __tablename__ = "shard_locations",
  id = sa.Column(sa.Integer, { primary_key = true }),
  continent = sa.Column(sa.String(20), { nullable = false }),
  city = sa.Column(sa.String(20), { nullable = false }),
  reports = orm.relationship("Report", { back_populates = "location", order_by = "Report.id", cascade = "all, delete-orphan" }),
})

local Report = Base:class("Report", {
  __tablename__ = "shard_reports",
  id = sa.Column(sa.Integer, { primary_key = true }),
  location_id = sa.Column(sa.ForeignKey("shard_locations.id")),
  temperature = sa.Column(sa.Float),
  location = orm.relationship("Location", { back_populates = "reports" }),
})

local shards = { asia = sa.create_engine("sqlite://"), europe = sa.create_engine(arg and arg[1] or "sqlite://"),
  america = sa.create_engine("sqlite://") }
for _, engine in pairs(shards) do
  Base.metadata:drop_all(engine)
  Base.metadata:create_all(engine)
end

local everywhere = { "america", "asia", "europe" }

-- Which continent does a query ask for? One that does not say runs everywhere.
local function continents_of(context)
  for _, continent in ipairs(everywhere) do
    for _, value in pairs(context.statement:compile("sqlite").params) do
      if value == continent then return { continent } end
    end
  end
  return everywhere
end

local Session = orm.sessionmaker{
  class_ = ShardedSession, shards = shards,
  shard_chooser = function(_, instance) return instance.continent or instance.location.continent end,
  identity_chooser = function() return everywhere end,
  execute_chooser = continents_of,
}
local session <close> = Session()

session:add_all{
  Location{ continent = "asia", city = "Tokyo", reports = { Report{ temperature = 21.5 } } },
  Location{ continent = "europe", city = "Oslo", reports = { Report{ temperature = -3.0 }, Report{ temperature = 1.0 } } },
  Location{ continent = "america", city = "Lima" },
}
session:commit()

-- Each database counts its keys itself: three places, one key.
for _, place in ipairs(session:query(Location):all()) do
  print(("%s: key %d on %s, %d reports"):format(place.city, place.id, sa.inspect(place).identity_token, #place.reports))
end

local europe = session:query(Location):filter(Location.continent:eq("europe")):all()
print("asked of one shard: " .. #europe .. " " .. europe[1].city)
print("by key, the first that has it: " .. session:get(Location, 1).city)
print("the third row of Europe: " .. tostring(session:query(Report):set_shard("europe"):get(3)))

-- What belongs to an object goes where the object is.
europe[1].reports:append(Report{ temperature = 4.5 })
session:commit()
print("reports in all: " .. session:query(Report):count())
print("in Europe: " .. session:query(Report):set_shard("europe"):count())

local deleted = session:query(Report):filter(Report.temperature:lt(0)):delete()
session:commit()
print("frosty ones deleted: " .. deleted)
