# SPDX-License-Identifier: BSD-2-Clause
# Makes the headers' comments doxygen's, for docs/Doxyfile: the first that is longer than a line is the file's, each
# other belongs to what follows it, and all are shown as they are.
/^\/\*$/ { print "/**" (files++ ? "" : " @file"); print " * @verbatim"; inside = 1; next }
inside && /^ \*\/$/ { print " * @endverbatim"; print; inside = 0; next }
{ print }
