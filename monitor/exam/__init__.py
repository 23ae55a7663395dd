"""An examination: one person, place by place of the chest, and one verdict over all of them.

Here stand the listening at one place, the folder that an examination leaves, and its page. What a
person sees and types while it runs is the command's (`monitor.cli.exam`).
"""
