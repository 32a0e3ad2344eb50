-- The user is the value of a header.
local function user(headers)
  return headers:get(from.header)
end
