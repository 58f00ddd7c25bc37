--- MD5 as lower-case hexadecimal. SQLAlchemy shortens constraint names that are too long with its last
-- four digits, so names can only equal SQLAlchemy's with the same digest.

local SHIFT = {
  7, 12, 17, 22, 7, 12, 17, 22, 7, 12, 17, 22, 7, 12, 17, 22, 5, 9, 14, 20, 5, 9, 14, 20, 5, 9, 14, 20, 5, 9, 14, 20,
  4, 11, 16, 23, 4, 11, 16, 23, 4, 11, 16, 23, 4, 11, 16, 23, 6, 10, 15, 21, 6, 10, 15, 21, 6, 10, 15, 21, 6, 10, 15, 21,
}
local SINE = {}
for i = 0, 63 do SINE[i] = math.floor(math.abs(math.sin(i + 1)) * 4294967296) end

local function mix(round, b, c, d)
  if round < 16 then return (b & c) | (~b & d), round end
  if round < 32 then return (d & b) | (~d & c), (5 * round + 1) % 16 end
  if round < 48 then return b ~ c ~ d, (3 * round + 5) % 16 end
  return c ~ (b | (~d & 0xffffffff)), (7 * round) % 16
end

--- The MD5 digest of a string, 32 hexadecimal digits.
---@param s string
---@return string
return function(s)
  local padded = s .. "\128" .. ("\0"):rep((55 - #s) % 64) .. ("<I8"):pack(#s * 8)
  local a0, b0, c0, d0 = 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476
  for at = 1, #padded, 64 do
    local words = { ("<" .. ("I4"):rep(16)):unpack(padded, at) }
    local a, b, c, d = a0, b0, c0, d0
    for round = 0, 63 do
      local f, word = mix(round, b, c, d)
      local sum = (a + f + SINE[round] + words[word + 1]) & 0xffffffff
      local shift = SHIFT[round + 1]
      a, d, c, b = d, c, b, (b + (sum << shift | sum >> (32 - shift))) & 0xffffffff
    end
    a0, b0, c0, d0 = (a0 + a) & 0xffffffff, (b0 + b) & 0xffffffff, (c0 + c) & 0xffffffff, (d0 + d) & 0xffffffff
  end
  return ((("<I4I4I4I4"):pack(a0, b0, c0, d0)):gsub(".", function(ch) return ("%02x"):format(ch:byte()) end))
end
