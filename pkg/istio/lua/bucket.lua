local function ours(headers)
  if model.header and headers:get(model.header) ~= model.value then
    return false
  end
  local path = string.gsub(headers:get(":path") or "", "[?#].*", "")
  if string.sub(path .. "/", 1, #model.path) ~= model.path then
    return false
  end
  local host = string.lower((string.gsub(headers:get(":authority") or "", ":%d+$", "")))
  for _, known in ipairs(model.hosts) do
    if known == host or string.sub(known, 1, 1) == "*" and #host >= #known and string.sub(host, 1 - #known) == string.sub(known, 2) then
      return true
    end
  end
  return false
end

-- FNV-1a of 32 bits. Numbers are doubles, so the product is made of two that are exact.
local function hash(text)
  local sum = 2166136261
  for i = 1, #text do
    local low, byte, bit, mixed = sum % 256, string.byte(text, i), 1, 0
    while bit < 256 do
      if low % 2 ~= byte % 2 then
        mixed = mixed + bit
      end
      low, byte, bit = math.floor(low / 2), math.floor(byte / 2), bit * 2
    end
    sum = sum - sum % 256 + mixed
    sum = (sum % 256 * 16777216 + sum * 403) % 4294967296
  end
  return sum
end

function envoy_on_request(handle)
  local headers = handle:headers()
  if not ours(headers) then
    return
  end
  headers:remove(bucket) -- nobody chooses a bucket
  local who = user(headers)
  if who and who ~= "" then
    headers:add(bucket, string.format("%d", hash(who) % 100))
  end
end
