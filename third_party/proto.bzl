"""C++ from .proto files, by Debian's protoc and gRPC plugin."""

def muster_proto_library(name, srcs, services = [], deps = [], visibility = None):
    """Generates and compiles `srcs`; those also named in `services` get gRPC stubs.

    Args:
      name: the library. `name` + "_descriptor" is the descriptor set, comments included.
      srcs: all .proto files, each below proto/.
      services: the subset of `srcs` that declares services.
      deps: further C++ libraries.
      visibility: of the library.
    """
    stems = [src[:-len(".proto")] for src in srcs]
    service_stems = [src[:-len(".proto")] for src in services]
    message_outs = [s + e for s in stems for e in (".pb.h", ".pb.cc")]
    service_outs = [s + e for s in service_stems for e in (".grpc.pb.h", ".grpc.pb.cc")]
    inputs = " ".join(["$(location %s)" % s for s in srcs])

    native.genrule(
        name = name + "_messages",
        srcs = srcs,
        outs = message_outs,
        cmd = "/usr/bin/protoc -Iproto -I/usr/include --cpp_out=$(GENDIR)/proto " + inputs,
    )
    native.genrule(
        name = name + "_services",
        srcs = srcs,
        outs = service_outs,
        cmd = "/usr/bin/protoc -Iproto -I/usr/include " +
              "--plugin=protoc-gen-grpc=/usr/bin/grpc_cpp_plugin " +
              "--grpc_out=$(GENDIR)/proto " +
              " ".join(["$(location %s)" % s for s in services]),
    )
    native.genrule(
        name = name + "_descriptor",
        srcs = srcs,
        outs = [name + ".pb"],
        cmd = "/usr/bin/protoc -Iproto -I/usr/include --include_source_info --include_imports " +
              "--descriptor_set_out=$@ " + inputs,
        visibility = visibility,
    )
    generated = ["-Wno-error", "-w"]
    native.cc_library(
        name = name,
        srcs = [o for o in message_outs if o.endswith(".cc")],
        hdrs = [o for o in message_outs if o.endswith(".h")],
        copts = generated,
        strip_include_prefix = "/proto",
        visibility = visibility,
        deps = deps + ["//third_party:protobuf"],
    )
    native.cc_library(
        name = name + "_grpc",
        srcs = [o for o in service_outs if o.endswith(".cc")],
        hdrs = [o for o in service_outs if o.endswith(".h")],
        copts = generated,
        strip_include_prefix = "/proto",
        visibility = visibility,
        deps = [":" + name, "//third_party:grpc"],
    )
