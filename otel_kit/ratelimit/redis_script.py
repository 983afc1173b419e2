"""
The one script by which Redis counts windows, and how requests are put to it.

Owns the script, its arguments and its answer. Knows nothing of connections.

One call judges any number of requests with any number of windows each, by Redis' own clock. What
it writes expires by itself at every moment: a counter is written together with its expiry, and
the expiry of a list is tried before its first entry, so that a user without the right to it fails
before anything is there. A key that holds something else than ours is dropped and begun anew.

A counter is one string, "opened latest count" of each group; a moving window is a list of the
times of its requests, newest first, never longer than the amount. Times are microseconds: Lua's
numbers hold them exactly.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from otel_kit.ratelimit.storage import Outcome, Window

__all__ = ["DIGEST", "MAX_EXACT", "SCRIPT", "pack", "unpack"]

MAX_EXACT = 100_000
"""A moving window of a larger amount is counted by groups: a list of that length is too much for one client."""

Value = str | int
Windows = Sequence[Window]

SCRIPT = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]

local function read(command, key, ...)
  local value = redis.pcall(command, key, ...)
  if type(value) ~= 'table' or not value.err then return value end
  if not string.find(value.err, 'WRONGTYPE', 1, true) then return redis.call(command, key, ...) end
  redis.call('DEL', key)
  return false
end

local function number(text)
  return tonumber(text or '') or 0
end

local function whole(number)
  return string.format('%.0f', number)
end

-- each looks at one window: how long it refuses in microseconds (0: it passes), what is in use, what taking needs

local function look_groups(key, amount, length, cost)
  local groups, used = {}, 0
  for opened, latest, count in string.gmatch(read('GET', key) or '', '(%d+) (%d+) (%d+)') do
    latest, count = tonumber(latest), tonumber(count)
    -- a time beyond the window ahead is from a clock that has been set back since
    if latest > now - length and latest <= now + length then
      groups[#groups + 1] = {tonumber(opened), latest, count}
      used = used + count
    end
  end
  local over = used + cost - amount
  if over <= 0 then return 0, used, groups end
  for _, group in ipairs(groups) do
    over = over - group[3]
    if over <= 0 then return group[2] + length - now, used, groups end
  end
end

local function count_times(key, high, since)
  local low = 0
  while low < high do
    local middle = math.floor((low + high) / 2)
    if number(redis.call('LINDEX', key, middle)) > since then low = middle + 1 else high = middle end
  end
  return low
end

local function look_times(key, amount, length, cost)
  local first = read('LINDEX', key, 0)
  local newest = number(first)
  if first and not (newest > 0 and newest <= now + length) then
    redis.call('DEL', key)
    newest = 0
  end
  local wait = newest > 0 and number(redis.call('LINDEX', key, amount - cost)) + length - now or 0
  if wait > 0 and cost == 1 then return wait, amount, newest end
  return math.max(0, wait), newest > 0 and count_times(key, amount, now - length) or 0, newest
end

local function take_groups(key, amount, length, cost, groups)
  local newest = groups[#groups]
  if newest and now - newest[1] <= length / 10 then
    newest[2], newest[3] = math.max(newest[2], now), newest[3] + cost
  else
    groups[#groups + 1] = {now, now, cost}
  end
  local parts = {}
  for position, group in ipairs(groups) do
    parts[position] = whole(group[1]) .. ' ' .. whole(group[2]) .. ' ' .. whole(group[3])
  end
  redis.call('SET', key, table.concat(parts, ' '), 'PX', whole(length / 1000))
end

local function take_times(key, amount, length, cost, newest)
  local at, expiry = whole(math.max(now, newest)), whole(length / 1000)
  local is_new = redis.call('PEXPIRE', key, expiry) == 0
  local held = redis.call('LPUSH', key, at)
  if is_new then redis.call('PEXPIRE', key, expiry) end
  for _ = 2, cost do held = redis.call('LPUSH', key, at) end
  if held > amount then redis.call('LTRIM', key, 0, amount - 1) end
end

local answer, next_key = {}, 1
local argument = string.gmatch(ARGV[1], '%d+')
while KEYS[next_key] do
  local count = tonumber(argument())
  local refused, longest, used, takes = -1, 0, {}, {}
  for position = 0, count - 1 do
    local key, exact = KEYS[next_key], argument() == '1'
    local amount, length, cost = tonumber(argument()), argument() * 1000000, tonumber(argument())
    local look = exact and look_times or look_groups
    local wait, held, state = look(key, amount, length, cost)
    if wait > longest then refused, longest = position, wait end
    used[position + 1] = held
    takes[position + 1] = {exact and take_times or take_groups, key, amount, length, cost, state}
    next_key = next_key + 1
  end
  if refused == -1 then
    for position, take in ipairs(takes) do
      take[1](take[2], take[3], take[4], take[5], take[6])
      used[position] = used[position] + take[5]
    end
  end
  answer[#answer + 1] = refused .. ' ' .. whole(longest)
  for _, held in ipairs(used) do answer[#answer + 1] = whole(held) end
end
return table.concat(answer, ' ')
"""

DIGEST = hashlib.sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()


def pack(requests: Sequence[Windows]) -> list[Value]:
    """
    What follows the script in EVALSHA: the number of keys, the keys, then all numbers in one argument.
    """
    keys = [window.key for windows in requests for window in windows]
    numbers: list[Value] = []
    for windows in requests:
        numbers.append(len(windows))
        for amount, seconds, strategy, _, cost in windows:
            numbers += (1 if strategy == "moving-window" and amount <= MAX_EXACT else 0, amount, seconds, cost)
    return [len(keys), *keys, " ".join(map(str, numbers))]


def unpack(answer: bytes | str, requests: Sequence[Windows]) -> list[Outcome]:
    """
    What became of each request.
    """
    numbers = iter([int(number) for number in answer.split()])
    return [_outcome(next(numbers), next(numbers), [next(numbers) for _ in windows], windows) for windows in requests]


def _outcome(refused: int, wait: int, used: list[int], windows: Windows) -> Outcome:
    if refused < 0:
        return Outcome(None, 0.0, 0, tuple(used))
    amount = windows[refused].amount
    left, used[refused] = max(amount - used[refused], 0), amount
    # a clock that was set back may ask for longer than the window
    reset_after = min(wait / 1e6, float(windows[refused].seconds))
    return Outcome(refused, max(reset_after, 0.001), left, tuple(used))
