"""Demo companies that live on for a year while somebody's list is really worked: what a way of choosing is worth.

Here, and in `forestall/demo/`, the truth is read: to measure, and by the policy that no real company can have.
Nothing that a night runs imports this package.
"""
