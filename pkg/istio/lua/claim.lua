-- The user is a claim of the bearer token. Nothing is verified here: the model's pods do that, and refuse a token that is not
-- right whichever bucket it has.
local digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

local function decoded(text)
  local bytes, value, bits = {}, 0, 0
  for digit in string.gmatch(text, "[%w_-]") do
    value, bits = value * 64 + string.find(digits, digit, 1, true) - 1, bits + 6
    if bits >= 8 then
      bits = bits - 8
      bytes[#bytes + 1] = string.char(math.floor(value / 2 ^ bits))
      value = value % 2 ^ bits
    end
  end
  return table.concat(bytes)
end

-- The end of a JSON string that begins at a place, nil where it has none.
local function closing(json, at)
  local last = string.find(json, '["\\]', at + 1)
  while last and string.sub(json, last, last) == "\\" do
    last = string.find(json, '["\\]', last + 2)
  end
  return last
end

-- A field of a JSON object that is a string. Those of objects within it are others.
local function field(json, wanted)
  local depth, at, key = 0, 1, nil
  while true do
    local place = string.find(json, '[%[%]{}"]', at)
    if not place then
      return nil
    end
    local mark = string.sub(json, place, place)
    at = place + 1
    if mark == "{" or mark == "[" then
      depth = depth + 1
    elseif mark == "}" or mark == "]" then
      depth = depth - 1
    else
      local last = closing(json, place)
      if not last then
        return nil
      end
      local text = string.sub(json, place + 1, last - 1)
      at = last + 1
      if depth == 1 and string.find(json, "^%s*:", at) then
        key = string.gsub(text, "\\/", "/")
      elseif depth == 1 and key == wanted then
        return text
      end
    end
  end
end

local function user(headers)
  local payload = string.match(headers:get("authorization") or "", "^[Bb]earer +[^.]+%.([^.]+)%.")
  return payload and field(decoded(payload), from.claim)
end
