"""Shifts: who works when so that the requirement is covered, what that will really give, and whom to hire.

`plan` goes through the weeks, `week` finds the cheapest shifts of one by an integer program (`program`, of `cover`
and `supply`), `rostering` gives them to people, `service` simulates what comes of it, `usable` says what outreach may
take. Values in, values out: only the reviewed `staffing.yml` is read here, the rest is the job's.
"""
