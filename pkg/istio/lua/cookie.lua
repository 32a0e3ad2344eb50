-- The user is the value of a cookie.
local function user(headers)
  for name, value in string.gmatch(headers:get("cookie") or "", "([^=;%s]+)%s*=%s*([^;]*)") do
    if name == from.cookie then
      return (string.gsub(value, "%s+$", ""))
    end
  end
end
