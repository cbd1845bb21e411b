# Puts files inside of the binary: an assembler source that takes their bytes in as they are, each followed by a NUL, and
# a table of {path, bytes, size} ended by a NULL path.
file(WRITE ${OUT}.S ".section .rodata\n")
file(WRITE ${OUT}.c "#include \"bindings/embedded.h\"\n\n")
set(table "")
set(i 0)
foreach(path IN LISTS FILES)
  file(SIZE ${ROOT}/${path} size)
  file(APPEND ${OUT}.S ".balign 16\n.globl xl_embedded_${i}\n.hidden xl_embedded_${i}\n"
    "xl_embedded_${i}:\n.incbin \"${ROOT}/${path}\"\n.byte 0\n")
  file(APPEND ${OUT}.c "extern const char xl_embedded_${i}[] __attribute__((visibility(\"hidden\")));\n")
  string(APPEND table "  {\"${path}\", xl_embedded_${i}, ${size}},\n")
  math(EXPR i "${i} + 1")
endforeach()
file(APPEND ${OUT}.S ".section .note.GNU-stack,\"\",%progbits\n")
file(APPEND ${OUT}.c "\nconst xl_embedded_file xl_embedded_files[] = {\n${table}  {0, 0, 0}};\n")
