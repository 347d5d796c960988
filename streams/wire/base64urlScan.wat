;; Where a run of base64url digits ends: 16 bytes at a time by vector instructions, which JavaScript has not.
;; encoding.ts has this assembled; test/unit/wire/base64urlScan.test.ts holds the two to each other.
(module
  ;; 128 KiB: a chunk of a socket is at most half of it.
  (memory (export "memory") 2)

  ;; The first place from $at on, before $end, that is no digit; $end where all are.
  (func (export "run") (param $at i32) (param $end i32) (result i32)
    (local $bytes v128)
    (local $byte i32)

    (block $found
      (loop $sixteen
        (br_if $found (i32.gt_u (i32.add (local.get $at) (i32.const 16)) (local.get $end)))
        (local.set $bytes (v128.load (local.get $at)))
        (br_if $found
          (i32.eqz
            (i8x16.all_true
              (v128.or
                (v128.or
                  ;; A letter: bit 5 is all that is between a large and a small one. Below `a` it wraps to far above 26.
                  (i8x16.lt_u
                    (i8x16.sub
                      (v128.or (local.get $bytes) (i8x16.splat (i32.const 0x20)))
                      (i8x16.splat (i32.const 0x61)))
                    (i8x16.splat (i32.const 26)))
                  ;; 0 to 9
                  (i8x16.lt_u
                    (i8x16.sub (local.get $bytes) (i8x16.splat (i32.const 0x30)))
                    (i8x16.splat (i32.const 10))))
                (v128.or
                  (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 0x2d)))
                  (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 0x5f))))))))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br $sixteen)))

    ;; What is left, or the sixteen in which it is: one at a time.
    (block $ended
      (loop $one
        (br_if $ended (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $byte (i32.load8_u (local.get $at)))
        (br_if $ended
          (i32.eqz
            (i32.or
              (i32.or
                (i32.lt_u
                  (i32.sub (i32.or (local.get $byte) (i32.const 0x20)) (i32.const 0x61))
                  (i32.const 26))
                (i32.lt_u (i32.sub (local.get $byte) (i32.const 0x30)) (i32.const 10)))
              (i32.or
                (i32.eq (local.get $byte) (i32.const 0x2d))
                (i32.eq (local.get $byte) (i32.const 0x5f))))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $one)))
    (local.get $at)))
